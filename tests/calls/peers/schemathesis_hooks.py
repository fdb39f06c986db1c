"""Files as bodies, for Schemathesis: it makes up bytes, which no audio or table is."""

import schemathesis


@schemathesis.serializer("audio/wav", "audio/mpeg", "text/csv", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")
def file(_context, value):
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogateescape")
