//! Whole-product call tests with real peers: SIPp, baresip, tshark.
