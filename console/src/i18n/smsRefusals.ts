import { learn } from './refusals';

/** What the server says of short messages. */
learn({
  'this number got a message just now: send again in {} s': '发送过于频繁，请 {} 秒后再试',
  'this number got {} messages in 24 h, as many as may be: send again tomorrow':
    '此号码 24 小时内已发送 {} 条，已达上限',
  '`{}` is no number that gets messages; nothing was sent, mend it and send again':
    '“{}”不是有效的号码，未发送任何短信',
  'write 1 to 50 numbers, not {}; nothing was sent': '请输入 1 至 50 个号码，当前 {} 个，未发送任何短信',
  'this template is not approved: ask a reviewer, or choose another': '模板未通过审核，请联系审核人或另选模板',
  'the text has more than 500 characters with these': '填写后短信内容超过 500 字',
  'another has this name; choose a different one': '名称已存在',
  'write places as {name}, each brace with its other': '请用 {姓名} 的形式书写，花括号须成对',
  'you wrote it: another reviewer has to look at it': '不能审核自己编写的模板，请由其他审核人处理',
  'a template uses this signature: change or delete that first': '有模板正在使用此签名，请先修改或删除模板',
  'messages need a signature, and this is the last: make another first': '至少需要一个签名，请先新建其他签名',
  'write it without 【 and 】: they are put around it': '不需要输入【】',
  'there is no such signature; make one first': '没有此签名，请先新建',
  'no gateway sends short messages here: an administrator names one in [sms] of the configuration':
    '未配置短信网关，请管理员在配置文件 [sms] 中设置',
  'messages to such numbers are not sent: see prefixes in [sms] of the configuration': '不允许向此类号码发送短信',
  'the server was stopped while it was sent: it may have arrived': '发送时服务器停止，短信可能已送达',
});
