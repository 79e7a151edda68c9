"""Turn the refusals of the services into problem details."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import IntegrityError
from rest_framework.exceptions import NotFound, ValidationError

from crm.api.problems import Conflict, Unavailable
from emotions.snapshots.photos import PhotoRefused
from emotions.uploads import services
from ml import errors


class ConsentMissing(Conflict):
    default_code = "consent_missing"


class ConsentWithdrawn(ConsentMissing):
    default_code = "consent_withdrawn"
    default_detail = (
        "The customer withdrew the consent to photos and their analysis, and no upload renews it. If the customer"
        " agrees again, record that with POST /consents first."
    )


class StorageUnavailable(Unavailable):
    default_code = "storage_unavailable"
    default_detail = str(services.StorageUnavailable())


class DecoderUnavailable(Unavailable):
    default_code = "decoder_unavailable"
    default_detail = str(errors.DecoderUnavailable())


class NotFailed(Conflict):
    default_code = "not_failed"
    default_detail = "Only a snapshot whose analysis failed can be analysed again."


@contextmanager
def problems() -> Iterator[None]:
    """Turn an exception of a service into the problem that the client receives."""
    try:
        yield
    except services.ConsentWithdrawn as error:
        raise ConsentWithdrawn from error
    except services.ConsentMissing as error:
        raise ConsentMissing(str(error)) from error
    except services.StorageUnavailable as error:
        raise StorageUnavailable from error
    except PhotoRefused as error:
        raise ValidationError({"photos": [str(error)]}, "photo_refused") from error
    except IntegrityError as error:  # somebody has just deleted the customer or interaction
        raise NotFound from error
