"""The codec of a record's key or value, by that of its format or schema."""

from karapace_like.proxy.formats import RecordPart
from karapace_like.proxy.ruled_codec import RuledCodec
from karapace_like.serde.codec import Codec
from karapace_like.serde.json_codec import JsonCodec, JsonKeyCodec


def adapt_codec(codec: Codec, part: RecordPart) -> Codec:
    """Return the codec for this part: equal JSON keys have equal bytes, which decide on the partition."""
    if part is RecordPart.VALUE:
        return codec
    if isinstance(codec, RuledCodec):
        return codec.for_keys()
    return JsonKeyCodec(codec) if isinstance(codec, JsonCodec) else codec
