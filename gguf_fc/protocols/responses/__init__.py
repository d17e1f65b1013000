"""The Responses protocol: ``/v1/responses`` and the responses that are kept."""
