import type { telephonyWords as chinese, telephonyMenu as chineseMenu } from '../zh-CN/telephony';

export const telephonyMenu: Record<keyof typeof chineseMenu, string> = {
  flows: 'Voice flows',
};

export const telephonyWords: typeof chinese = {
  tel: { changedAt: 'Changed', none: 'None' },
};
