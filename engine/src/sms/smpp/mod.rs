//! A short message centre by SMPP 3.4: bound as a transmitter over one connection, which is made when it is needed and made anew when it
//! broke.

mod link;
mod pdu;
mod text;

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use tokio::net::TcpStream;
use tokio::sync::{Mutex, mpsc, oneshot};

use super::{Gateway, Message, Sending, SmsError, digits};
use crate::config::{SmppLong, SmppSms};
use crate::names::Names;
use crate::tls::TlsClient;
use crate::web_client::Reach;
use link::{Link, Order};
use pdu::{Address, OK, Text};
use text::{Coded, PARTS_MAX, concatenation};

/// Messages that wait for the connection's turn; more than may be under way at all.
const ORDERS_MAX: usize = 64;
/// `ESME_RSYSERR`, `ESME_RMSGQFUL`, `ESME_RTHROTTLED`: the same message may be taken later.
const LATER: [u32; 3] = [0x08, 0x14, 0x58];

/// Sends by a centre.
pub(super) struct Smpp {
    config: SmppSms,
    reach: Reach,
    names: Arc<Names>,
    tls: Arc<TlsClient>,
    /// The connection, if there is one.
    orders: Mutex<Option<mpsc::Sender<Order>>>,
    /// The last number of a message in parts.
    reference: AtomicU8,
}

impl Smpp {
    pub(super) fn new(config: SmppSms, reach: Reach, names: Arc<Names>, tls: Arc<TlsClient>) -> Self {
        Self { config, reach, names, tls, orders: Mutex::new(None), reference: AtomicU8::new(0) }
    }

    async fn submit(&self, message: &Message) -> Result<(), SmsError> {
        let to = Address { ton: 1, npi: 1, number: digits(&message.to) };
        let coded = Coded::of(&message.signed_text());
        for text in self.texts(&coded)? {
            let body = pdu::submit(&self.source(), &to, coded.coding, &text);
            let status = self.ask(body).await?;
            if status != OK {
                let said = format!("submit_sm was answered with status {status:#04x}");
                return Err(if LATER.contains(&status) {
                    SmsError::Unreachable(said)
                } else {
                    SmsError::Refused(said)
                });
            }
        }
        Ok(())
    }

    fn source(&self) -> Address {
        let SmppSms { source, source_ton, source_npi, .. } = &self.config;
        Address { ton: *source_ton, npi: *source_npi, number: source.clone() }
    }

    /// In as many messages as it takes.
    fn texts(&self, coded: &Coded) -> Result<Vec<Text>, SmsError> {
        let parts = coded.parts();
        let count = u8::try_from(parts.len()).ok().filter(|count| usize::from(*count) <= PARTS_MAX);
        let count = count.ok_or_else(|| SmsError::Refused(format!("it is longer than {PARTS_MAX} messages")))?;
        if count == 1 {
            return Ok(vec![Text::Short(coded.whole())]);
        }
        if self.config.long == SmppLong::Payload {
            return Ok(vec![Text::Payload(coded.whole())]);
        }
        let reference = self.reference.fetch_add(1, Ordering::Relaxed);
        let numbered = (1..).zip(parts);
        Ok(numbered.map(|(n, part)| Text::Part([&concatenation(reference, count, n)[..], &part].concat())).collect())
    }

    /// Sends a `submit_sm`; the status of its answer.
    async fn ask(&self, body: Vec<u8>) -> Result<u32, SmsError> {
        let (answer, answered) = oneshot::channel();
        let order = Order { body, answer };
        let orders = self.connected().await?;
        orders.send(order).await.map_err(|_| SmsError::Unreachable("the connection broke".to_owned()))?;
        answered.await.map_err(|_| SmsError::Unreachable("the connection broke before the answer".to_owned()))
    }

    /// The connection that there is, or a new one. Who comes meanwhile waits for the same.
    async fn connected(&self) -> Result<mpsc::Sender<Order>, SmsError> {
        let mut held = self.orders.lock().await;
        if let Some(orders) = held.as_ref().filter(|orders| !orders.is_closed()) {
            return Ok(orders.clone());
        }
        let stream = self.connect().await?;
        let (orders, ordered) = mpsc::channel(ORDERS_MAX);
        let SmppSms { host, tls, .. } = &self.config;
        if *tls {
            let stream = self.tls.connect(stream, host).await.map_err(unreachable)?;
            let link = self.bind(Link::new(stream)).await?;
            tokio::spawn(link.run(ordered));
        } else {
            let link = self.bind(Link::new(stream)).await?;
            tokio::spawn(link.run(ordered));
        }
        Ok(held.insert(orders).clone())
    }

    async fn connect(&self) -> Result<TcpStream, SmsError> {
        let SmppSms { host, port, .. } = &self.config;
        let found = self.names.addresses(host).await.map_err(SmsError::Unreachable)?;
        let mut error = format!("{host} is in a private network; sms.allow_private lets messages go there");
        for ip in found.into_iter().filter(|ip| self.reach.allows(*ip)) {
            match TcpStream::connect((ip, *port)).await {
                Ok(stream) => return Ok(stream),
                Err(refused) => error = refused.to_string(),
            }
        }
        Err(SmsError::Unreachable(error))
    }

    async fn bind<S: link::Line>(&self, mut link: Link<S>) -> Result<Link<S>, SmsError> {
        let SmppSms { system_id, system_type, .. } = &self.config;
        let password = self.config.password.read().await?;
        let status = link.bind(&pdu::bind(system_id, &password, system_type)).await.map_err(unreachable)?;
        match status {
            OK => Ok(link),
            _ => Err(SmsError::Unreachable(format!(
                "bind_transmitter was answered with status {status:#04x}: look at system_id and password of [sms.smpp]"
            ))),
        }
    }
}

#[allow(clippy::needless_pass_by_value, reason = "for map_err")]
fn unreachable(error: std::io::Error) -> SmsError {
    SmsError::Unreachable(error.to_string())
}

impl Gateway for Smpp {
    fn send<'a>(&'a self, message: &'a Message) -> Sending<'a> {
        Box::pin(self.submit(message))
    }
}
