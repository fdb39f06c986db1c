import { expect, test } from 'vitest';
import { type LiveCall, whoIs } from './model';

/** Proves CALL-30 as far as the words go: who calls and from where, but nothing that the number says already. */
test('the other side is named as far as anybody knows', () => {
  const call = {
    caller: '13800138000',
    caller_name: '张三',
    callee: '861012345678',
    location: '北京市',
  } as unknown as LiveCall;
  expect(whoIs(call, '1001')).toBe('张三 · 北京市');
  expect(whoIs({ ...call, caller_name: '13800138000' }, '1001')).toBe('北京市');
  expect(whoIs({ ...call, caller_name: '', location: '' }, '1001')).toBe('');
  // One's own name is not the other side's.
  expect(whoIs({ ...call, caller: '1001', caller_name: 'Alice' }, '1001')).toBe('北京市');
});
