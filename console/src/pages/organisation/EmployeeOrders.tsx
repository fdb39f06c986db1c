import { Alert, Button, Form, Input, Space, TreeSelect } from 'antd';
import { useTranslation } from 'react-i18next';
import { api, ask } from '../../api/client';
import { FormDrawer } from '../../ui/settings/FormDrawer';
import { askTagged, ifMatch } from '../../ui/settings/tagged';
import { isAcceptable } from '../password';
import { EMPLOYEES, type Employee, useDepartments } from './directory';

const pathOf = ({ number }: Employee) => ({ params: { path: { id: number } } });

/** Another department, from the list (ORG-25, ORG-29). */
export function MoveDrawer({ employee, close }: { employee: Employee; close: () => void }) {
  const { t } = useTranslation();
  return (
    <FormDrawer<{ department: string }, Employee>
      title={t('people.moveTitle', { name: employee.name })}
      lists={[EMPLOYEES]}
      close={close}
      read={() => askTagged(api.GET('/api/v1/employees/{id}', pathOf(employee)))}
      fill={(shown) => ({ department: shown?.department })}
      save={(body, etag) =>
        ask(api.PUT('/api/v1/employees/{id}/department', { ...pathOf(employee), ...ifMatch(etag), body }))
      }
    >
      <DepartmentField />
      <Alert showIcon type="info" title={t('people.moveHint')} />
    </FormDrawer>
  );
}

export function DepartmentField() {
  const { t } = useTranslation();
  const { tree } = useDepartments();
  return (
    <Form.Item
      name="department"
      label={t('people.department')}
      rules={[{ required: true, message: t('settings.choose', { label: t('people.department') }) }]}
    >
      <TreeSelect treeDefaultExpandAll showSearch treeNodeFilterProp="title" treeData={tree} />
    </Form.Item>
  );
}

/** A new initial password, which also lifts a lock. */
export function PasswordDrawer({ employee, close }: { employee: Employee; close: () => void }) {
  const { t } = useTranslation();
  return (
    <FormDrawer<{ password: string }>
      title={t('people.passwordTitle', { name: employee.name })}
      lists={[EMPLOYEES]}
      close={close}
      fill={() => ({})}
      save={(body) => ask(api.POST('/api/v1/employees/{id}/password', { ...pathOf(employee), body }))}
    >
      <PasswordField />
      <Alert showIcon type="info" title={t('people.passwordHint')} />
    </FormDrawer>
  );
}

/** Neither of these looks like another one when it is read out. */
const LETTERS = 'abcdefghjkmnpqrstuvwxyz';
const DIGITS = '23456789';

/** Eight letters and four digits. */
function suggested(): string {
  const random = [...crypto.getRandomValues(new Uint32Array(12))];
  const pick = (from: string, number: number) => from[number % from.length];
  return random.map((number, at) => pick(at < 8 ? LETTERS : DIGITS, number)).join('');
}

/** The initial password, seen as it is typed: somebody has to be told it (ORG-23). */
export function PasswordField() {
  const { t } = useTranslation();
  const form = Form.useFormInstance();
  return (
    <Form.Item label={t('people.password')} required tooltip={t('people.passwordTold')}>
      <Space.Compact block>
        <Form.Item
          noStyle
          name="password"
          label={t('people.password')}
          rules={[
            { required: true },
            {
              validator: async (_, value?: string) => {
                if (value && !isAcceptable(value)) throw new Error(t('login.rule'));
              },
            },
          ]}
        >
          <Input autoComplete="off" aria-label={t('people.password')} />
        </Form.Item>
        <Button onClick={() => form.setFields([{ name: 'password', value: suggested(), touched: true, errors: [] }])}>
          {t('people.suggest')}
        </Button>
      </Space.Compact>
    </Form.Item>
  );
}
