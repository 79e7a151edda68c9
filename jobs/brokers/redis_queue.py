"""Extend kombu's Redis broker so that a worker survives losing its connection during a task.

kombu then uses the lost connection to return unconfirmed messages, or to confirm them when their task
ends. Either one ends the worker with an AttributeError. This broker leaves such messages alone: Redis
delivers them again after the visibility timeout, and the sweep replaces them long before that.
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
        except Exception as error:  # Redis raises errors of many kinds, also when there is no connection.
            logger.warning("What was under way is left to the sweep: %s", error)
            if self._delivered:
                self._delivered.clear()


class Channel(redis.Channel):
    QoS = QoS


class Transport(redis.Transport):
    Channel = Channel
