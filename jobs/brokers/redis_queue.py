"""kombu's Redis broker, whose workers outlive the loss of their connection while a task is under way.

kombu's own then tries to give unconfirmed messages back over the connection that is gone, or confirms them there once
their task is done, and either ends the worker with an AttributeError. Here such messages are left alone: Redis delivers
them again after the visibility timeout, and the sweep long before.
"""

import logging
from typing import Any

from kombu.transport import redis

logger = logging.getLogger(__name__)


class QoS(redis.QoS):
    def ack(self, delivery_tag: str) -> None:
        if not self.channel.closed:
            super().ack(delivery_tag)

    def reject(self, delivery_tag: str, requeue: bool = False) -> None:
        if not self.channel.closed:
            super().reject(delivery_tag, requeue)

    def restore_unacked(self, client: Any = None) -> None:
        try:
            super().restore_unacked(client)
        except Exception as error:  # Redis' own errors, or that there is no connection to ask
            logger.warning("What was under way is left to the sweep: %s", error)
            if self._delivered:
                self._delivered.clear()


class Channel(redis.Channel):
    QoS = QoS


class Transport(redis.Transport):
    Channel = Channel
