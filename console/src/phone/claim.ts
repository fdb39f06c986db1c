/** What the page that is the phone does for the others of this browser. */
interface Holder {
  /** Whether it can be moved just now. */
  mayLetGo: () => boolean;
  /** Another page is the phone. */
  letGo: () => void;
  /** No page is it any more: somebody signed out. */
  over: () => void;
  /** The page that was it is closed. */
  back: () => void;
}

type Word = 'take' | 'gone' | 'busy' | 'over';

const NAME = 'switchboard-phone';
/** How long the phone may take to let go, ms; a page that the browser put to sleep is not waited for. */
const LET_GO_MS = 500;
/** A page that is loaded again is the phone again: it is given so long, ms, before another one takes its place. */
const RELOAD_MS = 3_000;

/** Where the browser keeps its pages apart: only there does it give them a microphone. */
const locks = typeof navigator === 'undefined' ? undefined : navigator.locks;
const channel = typeof window !== 'undefined' && locks ? new BroadcastChannel(NAME) : undefined;

let holder: Holder | undefined;
let release: (() => void) | undefined;
let waiting: AbortController | undefined;
let heard: ((word: Word) => void) | undefined;

/** Whether one page of this browser at a time is the phone. */
export const isShared = locks !== undefined;

/** Has this page play its part. */
export function onClaims(part: Holder): void {
  holder = part;
}

/** Makes this page the phone of this browser, whichever was it before; `false` while a call rings there. Then this one waits. */
export async function claim(): Promise<boolean> {
  if (!locks || release) return true;
  stopWaiting();
  const { held } = await locks.query();
  if (held?.some(({ name }) => name === NAME) && (await asked()) === 'busy') {
    wait();
    return false;
  }
  await hold({ steal: true });
  return true;
}

/** No page of this browser is the phone any more. */
export function giveUp(): void {
  channel?.postMessage('over' satisfies Word);
  leave();
}

function leave(): void {
  stopWaiting();
  release?.();
  release = undefined;
}

function stopWaiting(): void {
  waiting?.abort();
  waiting = undefined;
}

/** Asks the phone to let go. What it says, or nothing where it is too slow. */
function asked(): Promise<Word | undefined> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(undefined), LET_GO_MS);
    heard = (word) => {
      clearTimeout(timer);
      resolve(word);
    };
    channel?.postMessage('take' satisfies Word);
  });
}

/** Resolves once the lock is here; it stays until it is released, or another page takes it. */
function hold(how: LockOptions): Promise<void> {
  return new Promise((granted, refused) => {
    let mine: (() => void) | undefined;
    const kept = () =>
      new Promise<void>((done) => {
        mine = release = done;
        granted();
      });
    locks?.request(NAME, how, kept).catch((error) => {
      if (!mine) return refused(error);
      // Taken away: by another page of this browser.
      if (release === mine) release = undefined;
      holder?.letGo();
      wait();
    });
  });
}

/** Until the page that is the phone is closed. */
function wait(): void {
  stopWaiting();
  const mine = new AbortController();
  waiting = mine;
  hold({ signal: mine.signal }).then(
    () =>
      setTimeout(() => {
        if (waiting !== mine || !release) return;
        waiting = undefined;
        holder?.back();
      }, RELOAD_MS),
    () => undefined,
  );
}

channel?.addEventListener('message', ({ data: word }: MessageEvent<Word>) => {
  switch (word) {
    case 'take': {
      if (!release) return;
      const mayLetGo = holder?.mayLetGo() ?? true;
      if (mayLetGo) holder?.letGo();
      return channel.postMessage((mayLetGo ? 'gone' : 'busy') satisfies Word);
    }
    case 'over':
      leave();
      return holder?.over();
    case 'gone':
    case 'busy':
      return heard?.(word);
  }
});
