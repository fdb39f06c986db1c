//! RTP ports as a pool of numbers: the media threads bind later and say so when they cannot.

use std::collections::{BTreeMap, VecDeque};

use crate::media::EndpointId;

/// An endpoint and the ports it got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lease {
    /// The new endpoint.
    pub(crate) endpoint: EndpointId,
    /// The RTP port, even; RTCP is the next one (RFC 3550 §11).
    pub(crate) port: u16,
}

/// The even ports of a range, and the endpoints that share the port of browsers. A port stays leased until the media side says that it is closed, and comes back at the end of
/// the line, so late packets of an old call do not meet a new one.
#[derive(Debug)]
pub(crate) struct Ports<Owner> {
    free: VecDeque<u16>,
    leased: BTreeMap<EndpointId, (Option<u16>, Owner)>,
    next: u64,
}

impl<Owner: Copy> Ports<Owner> {
    /// Every even port of the range with its odd neighbour inside it.
    pub(crate) fn new((low, high): (u16, u16)) -> Self {
        let free = (low..high).filter(|port| port % 2 == 0).collect();
        Self { free, leased: BTreeMap::new(), next: 1 }
    }

    /// The port that was free the longest, for a new endpoint; `None` when all are in use.
    pub(crate) fn lease(&mut self, owner: Owner) -> Option<Lease> {
        let port = self.free.pop_front()?;
        Some(Lease { endpoint: self.endpoint(Some(port), owner), port })
    }

    /// A new endpoint without a port of its own.
    pub(crate) fn share(&mut self, owner: Owner) -> EndpointId {
        self.endpoint(None, owner)
    }

    fn endpoint(&mut self, port: Option<u16>, owner: Owner) -> EndpointId {
        let endpoint = EndpointId(self.next);
        self.next += 1;
        self.leased.insert(endpoint, (port, owner));
        endpoint
    }

    /// This port for a new endpoint, or any other where it is in use or ours no more.
    pub(crate) fn lease_again(&mut self, port: u16, owner: Owner) -> Option<Lease> {
        if let Some(at) = self.free.iter().position(|free| *free == port) {
            self.free.remove(at);
            self.free.push_front(port);
        }
        self.lease(owner)
    }

    /// Whose the endpoint is.
    pub(crate) fn owner(&self, endpoint: EndpointId) -> Option<Owner> {
        self.leased.get(&endpoint).map(|(_, owner)| *owner)
    }

    /// Gives the endpoint to another owner.
    pub(crate) fn reassign(&mut self, endpoint: EndpointId, owner: Owner) {
        if let Some((_, old)) = self.leased.get_mut(&endpoint) {
            *old = owner;
        }
    }

    /// The media side closed the endpoint, or could not bind it: its port goes to the end of the line.
    pub(crate) fn release(&mut self, endpoint: EndpointId) -> Option<Owner> {
        let (port, owner) = self.leased.remove(&endpoint)?;
        self.free.extend(port);
        Some(owner)
    }

    /// Endpoints that are not closed yet.
    pub(crate) fn leased(&self) -> usize {
        self.leased.len()
    }

    /// Ports that are free.
    pub(crate) fn free(&self) -> usize {
        self.free.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_even_ports_with_their_neighbour_are_leased() {
        let mut ports = Ports::new((20_001, 20_006));
        let got: Vec<u16> = std::iter::from_fn(|| ports.lease(())).map(|lease| lease.port).collect();
        assert_eq!(got, [20_002, 20_004]);
    }

    #[test]
    fn a_port_is_leased_again_where_it_is_free_and_another_where_it_is_not() {
        let mut ports = Ports::new((20_000, 20_007));
        assert_eq!(ports.lease_again(20_004, ()).unwrap().port, 20_004);
        assert_eq!(ports.lease_again(20_004, ()).unwrap().port, 20_000);
        assert_eq!(ports.lease_again(30_000, ()).unwrap().port, 20_002);
        assert_eq!(ports.lease(()).unwrap().port, 20_006);
        assert_eq!(ports.lease_again(20_004, ()), None);
    }

    #[test]
    fn a_port_comes_back_only_when_closed_and_last() {
        let mut ports = Ports::new((20_000, 20_005));
        let first = ports.lease(7).unwrap();
        assert_eq!(ports.lease(8).unwrap().port, 20_002);
        assert_eq!(ports.release(first.endpoint), Some(7));
        assert_eq!(ports.release(first.endpoint), None);
        assert_eq!(ports.lease(9).unwrap().port, 20_004);
        assert_eq!(ports.lease(9).unwrap().port, first.port);
        assert_eq!((ports.lease(9), ports.leased(), ports.free()), (None, 3, 0));
    }

    #[test]
    fn an_endpoint_of_a_browser_takes_no_port() {
        let mut ports = Ports::new((20_000, 20_003));
        let shared = ports.share(7);
        assert_eq!((ports.owner(shared), ports.leased(), ports.free()), (Some(7), 1, 2));
        assert_ne!(ports.lease(8).unwrap().endpoint, shared);
        assert_eq!(ports.release(shared), Some(7));
        assert_eq!((ports.leased(), ports.free()), (1, 1));
    }
}
