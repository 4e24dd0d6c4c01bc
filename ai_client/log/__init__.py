"""The request log's way from an answered request to the database, and what is kept out of it.

::

    record (ai_client.records)
      -> writer.LogWriter.append    redacted, one write to
      -> spool.Spool                a local file per process, safe from a killed process
      -> writer                     a thread, off the request's way, which hands batches to
      -> rows.insert                the database; each record once
      -> retention                  deletes old rows a few at a time

``turns`` keeps that thread from holding requests up.

``redaction`` is the only place that knows what a secret looks like; everything that is logged
goes through it.
"""
