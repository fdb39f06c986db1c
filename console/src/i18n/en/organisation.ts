import type { organisationMenu as chinese } from '../zh-CN/organisation';

export const organisationMenu: Record<keyof typeof chinese, string> = {};
