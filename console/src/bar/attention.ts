/** How often the title of a page that nobody sees changes, ms. */
const FLASH_MS = 1_000;

/** Whether the system may show that a call comes in; `unsupported` where this browser has no such thing. */
export function notificationState(): NotificationPermission | 'unsupported' {
  return typeof Notification === 'undefined' ? 'unsupported' : Notification.permission;
}

/** Has the title say who calls, flashing while the page is hidden, and the system tell it then. Returns what ends it. */
export function callAttention(title: string, who: string): () => void {
  const usual = document.title;
  const told = `${title} ${who}`;
  document.title = told;
  const timer = setInterval(() => {
    document.title = document.hidden && document.title === told ? usual : told;
  }, FLASH_MS);
  const notice = document.hidden ? notify(title, who) : undefined;
  return () => {
    clearInterval(timer);
    document.title = usual;
    notice?.close();
  };
}

function notify(title: string, body: string): Notification | undefined {
  if (notificationState() !== 'granted') return undefined;
  try {
    const notice = new Notification(title, { body, tag: 'call', requireInteraction: true });
    notice.onclick = () => {
      window.focus();
      notice.close();
    };
    return notice;
  } catch {
    // Some browsers let a service worker alone show one.
    return undefined;
  }
}
