import {
  App,
  Col,
  Form,
  type FormInstance,
  Input,
  InputNumber,
  Row,
  Segmented,
  Select,
  Switch,
  TreeSelect,
} from 'antd';
import { useTranslation } from 'react-i18next';
import { api, ask, type Schemas } from '../../api/client';
import { textOf } from '../../api/problem';
import { useMay } from '../../app/session';
import { FormDrawer } from '../../ui/settings/FormDrawer';
import { askTagged, ifMatch } from '../../ui/settings/tagged';
import { AvatarField, type Picture, savePicture } from './AvatarField';
import { EMPLOYEES, type Employee, useDepartments, useRoles } from './directory';
import { DepartmentField, PasswordField } from './EmployeeOrders';

interface Filled {
  avatar?: Picture;
  name: string;
  number: string;
  nickname?: string;
  login?: string;
  password: string;
  mobile?: string;
  email?: string;
  role: string;
  department: string;
  isAgent?: boolean;
  agent?: Schemas['AgentRules'];
}

const AFTER_CALLS = ['wrap_up', 'ready'] as const;
const AGENT: Schemas['AgentRules'] = {
  after_call: 'wrap_up',
  auto_answer: false,
  extension: null,
  missed_limit: 3,
  mobile: null,
  mobile_confirm_key: true,
};
const said = (text: string | null | undefined) => text?.trim() || null;

function fill(employee: Employee | undefined, department: string | undefined): Partial<Filled> {
  if (!employee) return { department, isAgent: true, agent: AGENT };
  const { avatar, agent, mobile, ...rest } = employee;
  return {
    ...rest,
    mobile: mobile ?? '',
    avatar: { kind: 'kept', source: avatar ? `${avatar}?${employee.updated_at}` : undefined },
    isAgent: Boolean(agent),
    agent: agent ?? AGENT,
  };
}

function rules(values: Filled): Schemas['AgentRules'] | undefined {
  const { isAgent, agent } = values;
  return isAgent ? { ...AGENT, ...agent, extension: said(agent?.extension), mobile: said(agent?.mobile) } : undefined;
}

async function create(values: Filled): Promise<void> {
  const { name, number, password, role, department, mobile = '', nickname = '', email = '' } = values;
  const login = said(values.login);
  const agent = rules(values);
  const body = { name, number: number.trim(), password, role, department, mobile, nickname, email };
  await ask(
    api.POST('/api/v1/employees', { body: { ...body, ...(login ? { login } : {}), ...(agent ? { agent } : {}) } }),
  );
}

async function change(values: Filled, etag: string | undefined, employee: Employee): Promise<void> {
  const { name, role, nickname = '', email = '' } = values;
  const params = { path: { id: employee.number } };
  const agent = rules(values);
  if (employee.agent && values.isAgent === false) await ask(api.DELETE('/api/v1/agents/{id}', { params }));
  const [login, mobile] = [said(values.login), said(values.mobile)];
  const body = { name, role, nickname, email, ...(login ? { login } : {}), ...(mobile ? { mobile } : {}) };
  const changed = { ...body, ...(agent ? { agent } : {}) };
  await ask(api.PATCH('/api/v1/employees/{id}', { params, ...ifMatch(etag), body: changed }));
}

/** Somebody new, or a change of what is known of somebody (ORG-20, ORG-28). */
export function EmployeeForm({
  number,
  department,
  close,
}: {
  number?: string;
  department?: string | undefined;
  close: () => void;
}) {
  const { t } = useTranslation();
  const { message } = App.useApp();
  const save = async (values: Filled, etag: string | undefined, shown: Employee | undefined) => {
    if (shown) await change(values, etag, shown);
    else await create(values);
    // He is saved; a picture that is refused does not undo that.
    await savePicture(shown?.number ?? values.number.trim(), values.avatar).catch(
      (error: unknown) => void message.error(t('people.avatarFailed', { reason: textOf(error) })),
    );
  };
  return (
    <FormDrawer<Filled, Employee>
      size={640}
      title={number ? t('people.editEmployee') : t('people.add')}
      lists={[EMPLOYEES]}
      identity="number"
      close={close}
      read={
        number ? () => askTagged(api.GET('/api/v1/employees/{id}', { params: { path: { id: number } } })) : undefined
      }
      fill={(employee) => fill(employee, department)}
      save={save}
    >
      {(form, shown) => <Fields form={form} shown={shown} />}
    </FormDrawer>
  );
}

function Fields({ form, shown }: { form: FormInstance<Filled>; shown: Employee | undefined }) {
  const { t } = useTranslation();
  const may = useMay();
  const { options: roles } = useRoles();
  return (
    <>
      <Form.Item name="avatar" label={t('people.avatar')}>
        <AvatarField />
      </Form.Item>
      <Row gutter={16}>
        <Col span={12}>
          <Form.Item name="name" label={t('people.name')} rules={[{ required: true, whitespace: true, max: 64 }]}>
            <Input autoFocus={!shown} />
          </Form.Item>
        </Col>
        <Col span={12}>
          <NumberField shown={shown} />
        </Col>
        <Col span={12}>
          <Form.Item name="nickname" label={t('people.nickname')} rules={[{ max: 64 }]}>
            <Input />
          </Form.Item>
        </Col>
        <Col span={12}>
          <Form.Item name="login" label={t('people.login')} tooltip={t('people.loginHint')}>
            <Input placeholder={shown ? '' : t('people.loginDefault')} autoComplete="off" />
          </Form.Item>
        </Col>
        {!shown && (
          <Col span={24}>
            <PasswordField />
          </Col>
        )}
        <Col span={12}>
          <Form.Item name="mobile" label={t('people.mobile')} rules={[{ required: !shown || Boolean(shown.mobile) }]}>
            <Input inputMode="tel" />
          </Form.Item>
        </Col>
        <Col span={12}>
          <Form.Item name="email" label={t('people.email')} rules={[{ type: 'email' }]}>
            <Input inputMode="email" />
          </Form.Item>
        </Col>
        <Col span={12}>
          <Form.Item
            name="role"
            label={t('people.role')}
            rules={[{ required: true, message: t('settings.choose', { label: t('people.role') }) }]}
          >
            <Select showSearch={{ optionFilterProp: 'label' }} options={roles} />
          </Form.Item>
        </Col>
        <Col span={12}>{shown ? <Department of={shown.department} /> : <DepartmentField />}</Col>
      </Row>
      {may('agents.write') && <AgentFields form={form} />}
    </>
  );
}

/** Given once, and never changed (ORG-22, ORG-28). */
function NumberField({ shown }: { shown: Employee | undefined }) {
  const { t } = useTranslation();
  const rules = [{ required: true, pattern: /^[1-9]\d{4,7}$/, message: t('people.numberRule') }];
  return (
    <Form.Item name="number" label={t('people.number')} {...(shown ? {} : { rules })}>
      <Input inputMode="numeric" disabled={Boolean(shown)} autoComplete="off" />
    </Form.Item>
  );
}

/** Seen, and changed from the list (ORG-28). */
function Department({ of }: { of: string }) {
  const { t } = useTranslation();
  const { tree } = useDepartments();
  return (
    <Form.Item label={t('people.department')} tooltip={t('people.departmentFixed')}>
      <TreeSelect disabled value={of} treeData={tree} />
    </Form.Item>
  );
}

function AgentFields({ form }: { form: FormInstance<Filled> }) {
  const { t } = useTranslation();
  const isAgent = Form.useWatch('isAgent', form) ?? false;
  return (
    <>
      <Form.Item name="isAgent" label={t('people.isAgent')} tooltip={t('people.isAgentHint')} valuePropName="checked">
        <Switch />
      </Form.Item>
      {isAgent && (
        <Row gutter={16}>
          <Col span={12}>
            <Form.Item name={['agent', 'extension']} label={t('people.extension')} tooltip={t('people.extensionHint')}>
              <Input inputMode="numeric" autoComplete="off" />
            </Form.Item>
          </Col>
          <Col span={12}>
            <Form.Item name={['agent', 'after_call']} label={t('people.afterCall')} tooltip={t('people.afterCallHint')}>
              <Segmented
                block
                options={AFTER_CALLS.map((value) => ({ value, label: t(`people.afterCalls.${value}`) }))}
              />
            </Form.Item>
          </Col>
          <Col span={12}>
            <Form.Item name={['agent', 'mobile']} label={t('people.agentMobile')} tooltip={t('people.agentMobileHint')}>
              <Input inputMode="tel" />
            </Form.Item>
          </Col>
          <Col span={12}>
            <Form.Item name={['agent', 'missed_limit']} label={t('people.missedLimit')}>
              <InputNumber min={0} max={10} precision={0} style={{ width: '100%' }} />
            </Form.Item>
          </Col>
          <Col span={12}>
            <Form.Item name={['agent', 'mobile_confirm_key']} label={t('people.confirmKey')} valuePropName="checked">
              <Switch />
            </Form.Item>
          </Col>
          <Col span={12}>
            <Form.Item name={['agent', 'auto_answer']} label={t('people.autoAnswer')} valuePropName="checked">
              <Switch />
            </Form.Item>
          </Col>
        </Row>
      )}
    </>
  );
}
