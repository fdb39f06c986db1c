import type { Page } from './page';

/** The organisation and the system, in the settings. */
export const organisationPages: readonly Page[] = [];
