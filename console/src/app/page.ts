import type { ComponentType, ReactNode } from 'react';
import type { Words } from '../i18n/zh-CN';
import type { Session } from './session';

export type Group = 'assistant' | 'sms' | 'monitoring' | 'settings';
/** The parts of the settings, in the menu's order. */
export const SECTIONS = ['organisation', 'telephony', 'system'] as const;
export type Section = (typeof SECTIONS)[number];

/** A page of the console: where it is, how it is called, who sees it. */
export interface Page {
  /** Where it is; one that is about a single thing ends with `/:id`. */
  path: string;
  /** Its word in the menu. */
  name: Exclude<keyof Words['menu'], Group | 'sections'>;
  icon: ReactNode;
  group?: Group;
  /** Of a page of the settings. */
  section?: Section;
  draw: ComponentType<{ path: string }>;
  isFor: (session: Session) => boolean;
}
