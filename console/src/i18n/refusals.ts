/**
 * What the server says to an agent, in Chinese. The keys are its own sentences; a test compares them with its source, so that none is
 * missing when a sentence changes.
 */
export const REFUSALS: Record<string, string> = {
  'sign in first': '请先签入电话',
  'you are offline; go online first': '当前为电话离线，请先切换为电话在线',
  'you are on a break; go online or busy first': '当前为电话小休，请先切换为电话在线或电话忙碌',
  'a call is running; end it first': '正在通话，请先结束通话',
  'a call is ringing; answer or reject it first': '正在振铃，请先接听或拒接',
  'there is no call': '没有通话',
  'the phone is not registered; check the phone on the extension': '话机未注册，请检查该分机的话机',
  'agent not available': '坐席不可用',
  'not possible while the agent is in this state': '坐席处于当前状态时不能执行此操作',
  'already so': '已经是该状态',
  'the account is closed': '账号已停用',
  'there is no such call; it may be over': '通话不存在，可能已经结束',
  'the party is not connected, or the call has no such leg': '对方尚未接通',
  'nobody is in the room; somebody has to call it first': '会议室中没有人',
  'the call is not in the room; see who is': '该通话不在会议室中',
  'there is no such extension, or it is disabled': '分机不存在或已停用',
  'no phone is registered on the extension; register one first': '该分机没有已注册的话机',
  'the number leads nowhere; add an extension or an outbound route for it': '号码无法接通：没有对应的分机或外呼线路',
  'no survey: the party is not an outside customer, or the queue has none set':
    '不能评价：对方不是外部客户，或技能组未设置满意度调查',
  'the number is on the block list; take it out first': '号码在黑名单中',
  'new calls are not accepted now; see the health page': '系统暂时不接受新通话',
  'too many calls; try again later': '通话数已达上限，请稍后再试',
  'nobody is to be called back by that name in the queue; he may have been': '没有这个回呼，可能已经完成',
  'the address is not banned': '该地址未被封禁',
  'there is no such trunk, or it is disabled': '中继不存在或已停用',
  'two parties have to talk for the call to be recorded': '双方通话后才能录音',
  'the call is being recorded already': '已在录音',
  'the call is not being recorded; start that first': '未在录音',
  'the recording is paused already': '录音已暂停',
  'the recording is not paused': '录音未暂停',
  'the call is just changing hands, or coming back after a failure; try again in a moment':
    '通话正在转移或恢复，请稍后再试',
  'name the party for whom this is ordered: `agent`, `extension` or `leg`': '无法确定对哪一方操作',
  'agent not available: busy, offline or on a call; choose another one': '坐席不可用：忙碌、离线或正在通话，请另选',
  'every place for parked callers is taken; take one of them first, or make more places ([park] slots)': '驻留位已满',
  'somebody is parked there already; choose another place': '该驻留位已被占用',
  'only a call that rings at an extension, or is parked, can be picked up': '只能代接正在振铃或驻留的通话',
  'who shall take the call takes part in it already, or is being rung by it': '该坐席已在此通话中',
  'a number outside joins a call only by a consult; consult it first': '外部号码须先询问，再加入三方',
  'name the extension that shall join, or consult somebody first': '请输入要加入的分机，或先询问',
  'the agent has no call that is answered; wait until he talks': '坐席没有已接通的通话',
  'nobody supervises himself; choose another agent': '不能监控自己',
  'name the supervisor whose phone takes part: `supervisor`': '当前账号不是坐席，没有可用于监控的电话',
  'you supervise a call already; hang up there first': '正在监控另一个通话，请先挂断',
  'another supervisor whispers or talks in the call; listening in is possible': '已有其他班长在通话中讲话，只能监听',
  'three talk, or somebody is being asked; only listening in is possible': '三方通话或询问中，只能监听',
  'a supervisor talks in the call, and three are the most; ask again when he has left': '班长正在通话中讲话，最多三方',
  'too many supervisors are in the call already; one of them has to leave first': '监控此通话的人数已达上限',
  'there is no such agent; make the employee an agent first': '坐席不存在',
  'the agent has no extension of his own; name one to sign in on': '没有设置自己的分机，请输入分机号',
  'another agent is signed in on the extension; choose another one, or sign him out': '该分机已被其他坐席签入，请另选',
  'a call is running on the extension; end it first': '该分机正在通话，请先结束',
  'the agent has no mobile of his own; name one to sign in by': '没有设置手机号码，请输入',
  "the mobile's number leads to no trunk; write it as it is dialled outside, or add an outbound route for it":
    '手机号码没有对应的外呼线路，请检查号码',
  'the trunk is being tested already; wait for that': '中继正在测试',
  'sign in by a code to your mobile once, and join the enterprise; from then on your password lets you in':
    '首次登录请使用短信登录并加入企业，之后可用密码登录',
  'no codes are sent here; sign in with user name and password': '系统未开通短信，请使用密码登录',
  'codes are not sent to this number; write a mobile of this country': '无法向此号码发送验证码，请输入国内手机号码',
  'a code was just sent to this mobile, or ten of them today; wait, then ask again':
    '验证码发送过于频繁（每 60 秒一次，每天 10 次），请稍后再试',
  'the gateway of short messages refused this number; ask your administrator': '短信网关拒绝了此号码，请联系管理员',
  'the gateway of short messages does not answer; try again': '短信网关没有响应，请重试',
  'no enterprise has invited this mobile; ask your administrator': '没有企业邀请此手机号码，请联系管理员',
  'this enterprise has not invited this mobile; ask its administrator': '该企业没有邀请此手机号码，请联系其管理员',
  'this sign-in took longer than 10 minutes; ask for another code': '登录超过 10 分钟未完成，请重新获取验证码',
  'too many wrong tries from this address; wait, then try again': '此地址的错误次数过多，请稍后再试',
  'you are on a call in another session; end the call or sign out there first': '账号正在别处通话，请先结束通话或退出',
};

/** The same of the CRM and of calls that it begins. */
export const CRM_REFUSALS: Record<string, string> = {
  'already occupied: another was first': '已被他人占有',
  'it is completed: there is nothing left to do with it': '已处理完成，无需再操作',
  'occupy it first: only the occupier releases or completes it': '请先占有，只有占有人可以操作',
  'occupy it first: only then its number can be dialled': '请先占有，之后才能拨打',
  'the caller withheld his number: there is nothing to dial': '匿名号码，无法拨打',
  'this call was offered to another agent: only he processes it': '这是其他坐席的来电，只有本人可以处理',
  'sign in on a phone first: it is rung before the number is called': '请先签入电话',
};

/** What the phase of a call does not allow: `cannot VERB now: WHY`. */
export const VERBS: Record<string, string> = {
  dial: '拨号',
  'send keys': '发送按键',
  'sign in by mobile': '手机签入',
  'sign out of the mobile': '手机签出',
  'hang up': '挂断',
  hold: '保持',
  retrieve: '取回',
  transfer: '转接',
  consult: '询问',
  'cancel a consult': '取消询问',
  'complete a consult': '确定询问',
  'make it a three-way call': '三方',
  'end a three-way call': '取消三方',
  'ask for an evaluation': '评价',
  'park the other party': '驻留',
};

export const PHASES: Record<string, string> = {
  'there is no such call of this party': '没有通话',
  'the call is still ringing': '仍在振铃',
  'nobody has answered yet, or somebody else decides': '尚未接通',
  'the parties talk, and nobody is held or asked': '双方正在通话',
  'the other party is on hold; retrieve it first': '对方处于保持中，请先取回',
  'who is to be asked has not answered yet': '被询问方尚未接听',
  'somebody is being asked; complete or cancel that first': '正在询问，请先确定或取消询问',
  'three are talking; end that first': '正在三方通话，请先取消三方',
};

/** Sentences of the server that only some pages meet; in one with `{}` that part is taken over as it is. */
const learnt: { is: RegExp; words: string }[] = [];

/** Gives the server's sentences Chinese words, from a page that is loaded when it is first wanted. */
export function learn(sentences: Record<string, string>): void {
  for (const [sentence, words] of Object.entries(sentences)) {
    const parts = sentence.split('{}').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
    learnt.push({ is: new RegExp(`^${parts.join('(.+)')}$`), words });
  }
}

function recalled(detail: string): string | undefined {
  for (const { is, words } of learnt) {
    const [whole, ...parts] = is.exec(detail) ?? [];
    if (whole !== undefined) return words.replace(/{}/g, () => parts.shift() ?? '');
  }
  return undefined;
}

/** In Chinese, or `undefined` where nobody has given it words. */
export function refusal(detail: string): string | undefined {
  const known = REFUSALS[detail] ?? CRM_REFUSALS[detail] ?? recalled(detail);
  if (known !== undefined) return known;
  const [, verb = '', why = ''] = /^cannot (.+) now: (.+)$/.exec(detail) ?? [];
  const [what, because] = [VERBS[verb], PHASES[why]];
  return what && because ? `现在不能${what}：${because}` : undefined;
}
