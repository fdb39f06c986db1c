//! RTP sockets and the threads that pace them.
