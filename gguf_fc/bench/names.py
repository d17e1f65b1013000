"""Names of the workloads, which the command line lists without loading them."""

WORKLOAD_NAMES = (
    *("call-1", "call-3", "call-5", "call-20", "form", "auto-call", "structured", "form-answer"),
    *("agent", "chat", "auto-text", "plain-text"),
    *("streams-1", "streams-2", "streams-4", "streams-8", "streams-16"),
    *("cold-prompt", "long-prompt", "new-chat", "restart"),
)
