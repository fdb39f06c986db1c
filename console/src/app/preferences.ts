import { create } from 'zustand';
import { persist } from 'zustand/middleware';
import { type Language, speak } from '../i18n';

/** With what somebody takes calls (PHONE-01); `none` where no phone is wanted at sign-in. */
export type SignInWay = 'web' | 'desk' | 'none';

/** How one wants to see and hear it; kept in this browser. */
interface Preferences {
  language: Language;
  theme: 'light' | 'dark';
  /** Who has folded the navigation: each user of this browser for himself (CALL-02). */
  foldedBy: readonly string[];
  way: SignInWay;
  extension: string;
  /** Devices by their ID in this browser; empty for its own choice (CALL-29). */
  microphone: string;
  speaker: string;
  ringer: string;
  /** Whoever has seen how to begin is not led there again. */
  skippedSetup: boolean;
}

export const usePreferences = create<Preferences>()(
  persist(
    (): Preferences => ({
      language: 'zh-CN',
      theme: 'light',
      foldedBy: [],
      way: 'web',
      extension: '',
      microphone: '',
      speaker: '',
      ringer: '',
      skippedSetup: false,
    }),
    {
      name: 'switchboard-console',
    },
  ),
);

export function prefer(change: Partial<Preferences>): void {
  usePreferences.setState(change);
  if (change.language) void speak(change.language);
}
