"""The HTTP face: programs outside the site use it as if it were a vendor.

``core`` turns a request's bytes into a ``call``, which turns outputs back into bytes, without I/O.
Two thin doors serve it: ``asgi`` beside Django, and ``views`` for sites that only include URLs,
WSGI included.
"""
