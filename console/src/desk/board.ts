import { replaceEqualDeep } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import type { Schemas } from '../api/client';
import { sessionEnded } from '../app/session';
import { clockSeen } from './clock';
import { follow } from './stream';

export type Wallboard = Schemas['Wallboard'];

/** The wallboard as it is pushed, while somebody looks. */
export function useWallboard(): { board: Wallboard | undefined; isLost: boolean } {
  const [seen, setSeen] = useState<{ board: Wallboard | undefined; isLost: boolean }>({
    board: undefined,
    isLost: false,
  });
  useEffect(
    () =>
      follow('/api/v1/wallboard/stream', {
        message(text) {
          const board = JSON.parse(text) as Wallboard;
          clockSeen(board.at);
          // What has not changed stays the same object, and is not drawn anew.
          setSeen((before) => ({ board: replaceEqualDeep(before.board, board), isLost: false }));
        },
        lost: () => setSeen(({ board }) => ({ board, isLost: true })),
        signedOut: sessionEnded,
      }),
    [],
  );
  return seen;
}
