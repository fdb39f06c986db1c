import { create } from 'zustand';

/** The pages that are open, in their order; the home desk is first and stays. */
interface Tabs {
  open: readonly string[];
}

export const HOME = '/';

export const useTabs = create<Tabs>()((): Tabs => ({ open: [HOME] }));

export function openTab(path: string): void {
  useTabs.setState(({ open }) => (open.includes(path) ? {} : { open: [...open, path] }));
}

/** The four entries of a tab's menu (UI-04). */
export type Closing = 'this' | 'others' | 'right' | 'all';

/** What stays open. */
export function closed(open: readonly string[], path: string, closing: Closing): readonly string[] {
  const at = open.indexOf(path);
  const stays: Record<Closing, (one: string, index: number) => boolean> = {
    this: (one) => one !== path,
    others: (one) => one === path,
    right: (_, index) => index <= at,
    all: () => false,
  };
  return open.filter((one, index) => one === HOME || stays[closing](one, index));
}

/** What is closed. */
export function closing(path: string, how: Closing): readonly string[] {
  const { open } = useTabs.getState();
  const left = closed(open, path, how);
  return open.filter((one) => !left.includes(one));
}

/** Closes, and says which page is to be shown then. */
export function closeTabs(path: string, closing: Closing, active: string): string {
  const { open } = useTabs.getState();
  const left = closed(open, path, closing);
  useTabs.setState({ open: left });
  if (left.includes(active)) return active;
  if (left.includes(path)) return path;
  return left[Math.min(open.indexOf(active), left.length) - 1] ?? HOME;
}
