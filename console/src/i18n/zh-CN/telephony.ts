/** Words of the pages of telephony in the settings. */
export const telephonyMenu = {
  flows: '语音流程',
};

export const telephonyWords = {
  tel: { changedAt: '修改时间', none: '无' },
};
