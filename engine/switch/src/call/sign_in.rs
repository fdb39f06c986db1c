//! Signing in at a trunk that asks for it (RFC 3261 §22.2, §22.3).

use sip::dialog::Forks;
use sip::digest::{Credentials, DigestClient};
use sip::headers::{CSeq, HeaderName};
use sip::message::{Method, Request, Response, StatusCode};

use super::Call;
use crate::desk::{ClientUse, Desk, LegIndex};
use crate::target::Target;

impl Call {
    /// Repeats the INVITE with credentials, if the response asks for them and they were not refused already.
    pub(super) fn sign_in(&mut self, desk: &mut Desk, leg: LegIndex, response: &Response) -> bool {
        if !matches!(response.status, StatusCode::UNAUTHORIZED | StatusCode::PROXY_AUTHENTICATION_REQUIRED) {
            return false;
        }
        let tenant = self.tenant.clone();
        let Some(outgoing) = self.legs[leg.at()].outgoing_mut() else { return false };
        let Target::Trunk(line) = &outgoing.target else { return false };
        let Some(account) = tenant.trunks.get(&line.trunk).and_then(|trunk| trunk.credentials.as_ref()) else {
            return false;
        };
        let login = outgoing.login.get_or_insert_with(|| {
            let credentials = Credentials { username: account.username.clone(), password: account.password.clone() };
            Box::new(DigestClient::new(credentials))
        });
        let mut request = outgoing.forks.invite().clone();
        if login.answer(response, &mut request, &mut desk.random).is_err() {
            return false;
        }
        self.invite_again(desk, leg, request)
    }

    /// Sends the INVITE of a called leg once more, mended as its failure asked for: the same Call-ID and From, the next CSeq
    /// (RFC 3261 §8.1.3.5).
    pub(super) fn invite_again(&mut self, desk: &mut Desk, leg: LegIndex, mut request: Request) -> bool {
        let leg_ref = self.leg_ref(leg);
        let Some(outgoing) = self.legs[leg.at()].outgoing_mut() else { return false };
        let seq = request.headers.cseq().map_or(1, |cseq| cseq.seq) + 1;
        request.headers.replace(HeaderName::CSeq, CSeq { seq, method: Method::Invite });
        let flow = outgoing.flow;
        let Ok(client) = desk.send(request.clone(), flow) else { return false };
        desk.clients.insert(client, ClientUse { leg: leg_ref, flow, left: None });
        outgoing.client = client;
        outgoing.forks = Forks::new(request);
        true
    }
}
