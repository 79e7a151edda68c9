"""The CRM: customers and what is done with and for them."""
