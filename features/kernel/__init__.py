"""The one compiled state machine behind both clocks: it inserts events and reads windows.

`loading.load_kernel` compiles it, or takes it from a cache keyed by the hash of these sources.
"""
