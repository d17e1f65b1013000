"""Everything that makes the demo model: words, tools, conversations, tokenizer, network, export.

Used by the scripts `train_demo_model.py`, `eval_demo_model.py` and `make_bench_model.py`; the
package `gguf_fc` never imports it.
"""
