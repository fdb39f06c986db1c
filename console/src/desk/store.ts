import { create } from 'zustand';
import { api } from '../api/client';
import { sessionEnded } from '../app/session';
import { clockSeen } from './clock';
import type { Desk } from './model';
import { follow } from './stream';

/** The desk as the server told it last, and whether it still tells. */
interface Seen {
  desk: Desk | undefined;
  link: 'opening' | 'up' | 'lost';
}

export const useDesk = create<Seen>()((): Seen => ({ desk: undefined, link: 'opening' }));

/** Follows one's own desk. Returns what ends it. */
export function followDesk(): () => void {
  useDesk.setState({ desk: undefined, link: 'opening' });
  const end = follow('/api/v1/desk/stream', {
    message(text) {
      const desk = JSON.parse(text) as Desk;
      clockSeen(desk.at);
      useDesk.setState({ desk, link: 'up' });
    },
    lost() {
      useDesk.setState({ link: 'lost' });
      // A session that ended refuses the WebSocket, and a browser does not tell why: the API does.
      void api.GET('/api/v1/session').catch(() => undefined);
    },
    signedOut: sessionEnded,
  });
  return () => {
    end();
    // Who signs in next is somebody else.
    useDesk.setState({ desk: undefined, link: 'opening' });
  };
}
