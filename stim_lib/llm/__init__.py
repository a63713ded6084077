"""Language models on a plain processor: read from their files, run, and asked about interest."""

from stim_lib.llm.encoder import EncoderShape, SentenceEncoder, build_encoder, load_encoder
