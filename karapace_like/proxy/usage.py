"""What all proxies of a process use together: the bounds and the counts of queues, replies, pushes and transactions."""

from dataclasses import dataclass, field

from karapace_like.proxy.atomic import TransactionCounts
from karapace_like.proxy.push.subscriptions import PushUsage
from karapace_like.proxy.queues.usage import QueueUsage
from karapace_like.proxy.request_reply.usage import RequestReplyUsage


@dataclass(frozen=True, slots=True)
class ProxyUsage:
    """Where each caller has a proxy, all of them share this."""

    queues: QueueUsage = field(default_factory=QueueUsage)
    request_reply: RequestReplyUsage = field(default_factory=RequestReplyUsage)
    push: PushUsage = field(default_factory=PushUsage)
    transactions: TransactionCounts = field(default_factory=TransactionCounts)
