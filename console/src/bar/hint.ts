import { create } from 'zustand';

/** Why one's phone is not signed in (PHONE-04): told beside the button that corrects it, until it is. */
export const useHint = create<{ reason: string | undefined }>()(() => ({ reason: undefined }));

export function hint(reason: string | undefined): void {
  useHint.setState({ reason });
}
