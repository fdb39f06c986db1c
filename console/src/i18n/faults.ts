import { learn } from './refusals';

/**
 * What the server says to administrators, in Chinese; `{}` stands for what it puts in. Loaded with the pages of settings. A test compares
 * it with the server's source.
 */
export const FAULTS: Record<string, string> = {
  'somebody changed it meanwhile; read it again, then send your change with its new ETag':
    '其他人已修改此数据，请重新加载',
  'you let nobody see or change fields that your own role keeps from you; ask an administrator':
    '不能授予自己角色没有的字段权限，请联系管理员',
  'a name is 1 to 64 characters on one line': '名称为 1 至 64 个字符，不能换行',
  'a description has at most 200 characters': '描述不超过 200 个字符',
  'this needs the permission {}; ask an administrator for it': '需要权限 {}，请联系管理员',
  'the body is larger than this operation takes': '内容过大',
  'the body could not be read to its end': '上传中断，请重试',

  'there is no such department': '部门不存在',
  'there is no such department; see GET /api/v1/departments': '部门不存在',
  'departments lie at most 20 deep': '部门最多 20 级',
  'this is the root, which there always is': '根部门不能删除',
  '{} employees are in it, those who left among them; move them to another first':
    '该部门有 {} 名员工（含离职），请先调整到其他部门',
  'department {} is below it; delete that first': '该部门有下级部门“{}”，请先删除',
  'role {} names it; change that first': '角色“{}”的数据权限使用了该部门，请先修改',
  'a department beside it has this name; choose another': '同级部门中已有此名称',
  'a department has at most 100 managers': '一个部门最多 100 名经理',
  '{} is no employee; make him one first': '{} 不是员工',
  'name an agent or a department, not both': '部门和坐席不能同时选择',
  'this department is not among those whose data you see; ask an administrator':
    '该部门不在您的数据权限内，请联系管理员',

  'an employee number is a whole number from 10000 to 99999999': '工号为 10000 至 99999999 的整数',
  'employee {} exists already, choose another': '工号 {} 已被使用，工号不能重复使用',
  'a password has 6 to 64 characters, with at least one letter and one digit':
    '密码为 6 至 64 位，至少包含一个字母和一个数字',
  'he is the last administrator in service; make another one first': '这是最后一名在职的系统管理员，请先设置其他管理员',
  "write a whole number, abroad with + and the country's code": '请输入完整的手机号码，国外号码以 + 和国家代码开头',
  'somebody has this user name, or it is his number; choose another': '此用户名已被使用，或是他人的工号',
  'somebody has this mobile': '此手机号码已被其他员工使用',
  "a user name of digits alone is one's own number": '全数字的用户名只能是本人的工号',
  'a user name is 2 to 32 characters without spaces': '用户名为 2 至 32 个字符，不能有空格',
  '`{}` is no mail address: {}': '“{}”不是邮箱地址',
  'an extension is 2 to 10 digits, optionally after a *': '分机号为 2 至 10 位数字，前面可加 *',
  'a dialled number is 1 to 24 characters of 0-9, * and #, optionally after a +':
    '号码为 1 至 24 位，可用 0-9、* 和 #，前面可加 +',
  'queue {} has him as a member; take him out there first': '技能组“{}”中有该坐席，请先移出',
  'a new mobile must be proved, which this installation cannot do; ask an administrator to change it':
    '新手机号码须验证，而本系统不发送短信，请联系管理员修改',
  'ask for a code by POST /api/v1/me/mobile-code and send it along': '请获取并输入验证码',
  'this code is wrong, used, void after 5 wrong tries or older than 5 minutes; ask for another':
    '验证码错误、已使用、已输错 5 次或已超过 5 分钟，请重新获取',
  'you are no agent': '您不是坐席',
  'an API token is no employee and has no settings': 'API 令牌没有个人设置',
  'a picture has at most 1 MB (1,048,576 bytes)': '图片不能超过 1 MB',
  'send a whole JPEG or PNG picture as the body; its content is looked at, not its name':
    '请上传完整的 JPG 或 PNG 图片',
  'a picture is at most 10,000 pixels wide and high': '图片的宽和高不能超过 10,000 像素',

  "the administrator's role keeps all its rights; only its name and description change":
    '系统管理员角色拥有全部权限，只能修改名称和描述',
  "the administrator's role is always there": '系统管理员角色不能删除',
  '{} employees have it, those who left among them; give them another first':
    '有 {} 名员工（含离职）使用该角色，请先为他们更换角色',
  'role {} exists already, choose another': '已有此名称的角色',
  'there is no permission key {}; see GET /api/v1/permissions': '权限 {} 不存在',
  'there is no such permission key; see GET /api/v1/permissions': '权限不存在',
  'there is no such role; see GET /api/v1/roles': '角色不存在',
  'you give nothing that you do not have; leave those permissions out': '不能授予您自己没有的权限',
  'you let nobody see what you do not see; leave those departments out': '不能授予您自己看不到的部门的数据',

  'a note has at most 200 characters': '备注不超过 200 个字符',
  'it is blocked already': '已在黑名单中',
  '`{}` is none of caller or callee': '“{}”应为 caller 或 callee',
  '`{}` is none of exact or prefix': '“{}”应为 exact 或 prefix',
  '`{}` is none of busy, prompt or hang_up': '“{}”应为 busy、prompt 或 hang_up',
  'the row is too short': '此行的列数不足',
  'this time is past': '此时间已过',
  'a program is in no department; name departments': '程序不属于任何部门，请选择部门',

  "a tenant's name is 1 to 64 characters": '企业名称为 1 至 64 个字符',
  'a tenant has 1 to 16 emergency numbers': '紧急号码为 1 至 16 个',
  'locks are lifted after 0 (never) to 525600 minutes': '自动解锁时间为 0（不自动解锁）至 525600 分钟',
  'it has at most 200 characters': '最多 200 个字符',
  'write it as https://example.com/, with at most 200 characters': '请写成 https://example.com/，最多 200 个字符',
  'recordings are kept for 0 (for ever) to 36500 days': '录音保存 1 至 36500 天，或永久',
  'write hours from 0 (never) to {}': '请输入 0（不释放）至 {} 小时',

  'an old secret is used for at most 604,800 s, a week': '旧密钥最多继续有效一周',
  'the configuration allows no webhooks to private addresses; see [webhooks] in conf/switchboard.toml':
    '配置文件不允许推送到内网地址，见 [webhooks]',
  'a description has at most 200 characters on one line': '描述不超过 200 个字符，不能换行',
  'a webhook names at most 64 types; use prefixes as call.*': '最多选择 64 种事件，可用 call.* 这样的前缀',
  '`{}` names no events: write a type as call.ended, or call.* for all that begin so':
    '“{}”不是事件类型，请写成 call.ended，或 call.* 表示以此开头的所有事件',
  'write an address as https://HOST/PATH, at most {} bytes, without user name and #':
    '请输入 https://主机/路径 形式的地址，不超过 {} 字节，不含用户名和 #',
  '{} is an address of this machine or of a private network; set allow_private of the webhook, which `[webhooks]` of the configuration must allow':
    '{} 是本机或内网地址，须打开“允许内网地址”，并由配置文件的 [webhooks] 允许',
  'a secret is whsec_ and 24 to 64 random bytes as Base64; leave it out and one is made':
    '密钥以 whsec_ 开头，后接 24 至 64 字节的 Base64；留空则自动生成',
  'other tests of webhooks are running; try again in a moment': '正在进行其他推送测试，请稍后再试',
};

learn(FAULTS);
