"""Entries of the ``models`` array of ``GET /v1/models``, which coding agents read.

An agent of the Responses protocol refuses the whole list over one member that is missing, and its
versions want different ones; so an entry has the members of them all.  They say what the agent may
send: texts only, no patches as free text (a grammar that cannot be enforced here), no tools of a
server's own.
"""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]

EFFORTS = {"low": "Brief reasoning", "medium": "Balanced reasoning", "high": "Thorough reasoning"}
# The agent sends this as ``instructions``.  A local model reads it anew in every session, so it is
# short.
INSTRUCTIONS = """\
You are a coding agent in the user's terminal. You work in their project with the tools you have.
Read what is there before you change it. Make the smallest change that does what was asked, in the
style of the code around it, and check it by running it where you can. Call a tool when you need to
know or to do something; answer in plain text when you are done. Be brief."""
MOST_OF_A_RESULT = 10_000  # tokens
_SHARE_OF_A_RESULT = 4  # at most this part of the context


def agent_model(name: str, described: Json, priority: int) -> Json:
    """The entry of the model *name*, which is *described* for other clients."""
    capabilities = described["capabilities"]
    reasoning = bool(capabilities["reasoning"])
    n_ctx = described.get("context_length") or described["trained_context_length"]
    return {
        "slug": name,
        "display_name": name,
        "description": "A model of this machine",
        "visibility": "list",
        "supported_in_api": True,
        "priority": priority,
        "upgrade": None,
        "availability_nux": None,
        "base_instructions": INSTRUCTIONS,
        "model_messages": None,
        "context_window": n_ctx,
        "max_context_window": n_ctx,
        "auto_compact_token_limit": None,
        "effective_context_window_percent": 95,
        "input_modalities": ["text"],
        **_reasoning(reasoning=reasoning),
        **_tools(parallel=bool(capabilities["parallel_tool_calls"]), n_ctx=n_ctx),
        "support_verbosity": True,
        "default_verbosity": None,
        "additional_speed_tiers": [],
        "service_tiers": [],
        "use_responses_lite": False,
    }


def _reasoning(*, reasoning: bool) -> Json:
    levels = [{"effort": effort, "description": text} for effort, text in EFFORTS.items()]
    return {
        "default_reasoning_level": "medium" if reasoning else None,
        "supported_reasoning_levels": levels if reasoning else [],
        "supports_reasoning_summaries": reasoning,
        "supports_reasoning_summary_parameter": reasoning,
        "default_reasoning_summary": "auto" if reasoning else "none",
    }


def _tools(*, parallel: bool, n_ctx: int) -> Json:
    limit = min(MOST_OF_A_RESULT, n_ctx // _SHARE_OF_A_RESULT)
    return {
        "shell_type": "shell_command",
        "apply_patch_tool_type": None,
        "web_search_tool_type": "text",
        "truncation_policy": {"mode": "tokens", "limit": limit},
        "supports_parallel_tool_calls": parallel,
        "supports_image_detail_original": False,
        "supports_search_tool": False,
        "experimental_supported_tools": [],
        "include_skills_usage_instructions": False,
    }
