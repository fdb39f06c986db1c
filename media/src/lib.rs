//! Media as a graph of who hears whom: RTP, codecs, tones and relay, without I/O.
