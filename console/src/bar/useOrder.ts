import { App } from 'antd';
import { useState } from 'react';
import { textOf } from '../api/problem';

/** Runs an order of the bar, one at a time, and shows the server's reason where it refuses. */
export function useOrder(): { isBusy: boolean; run: (order: () => Promise<unknown>, done?: () => void) => void } {
  const { message } = App.useApp();
  const [isBusy, setIsBusy] = useState(false);
  const run = (order: () => Promise<unknown>, done?: () => void) => {
    setIsBusy(true);
    order()
      .then(done)
      .catch((error) => void message.error(textOf(error)))
      .finally(() => setIsBusy(false));
  };
  return { isBusy, run };
}
