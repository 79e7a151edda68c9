"""Write times in the admin's lists as on the timeline, with 24 hours."""

DATETIME_FORMAT = "j M Y, H:i"
TIME_FORMAT = "H:i"
