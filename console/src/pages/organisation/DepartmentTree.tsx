import { MoreOutlined, PlusOutlined } from '@ant-design/icons';
import { Alert, Button, Card, Dropdown, Form, Input, Select, Tree } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, ask } from '../../api/client';
import { useMay } from '../../app/session';
import { Answered } from '../../ui/States';
import { FormDrawer } from '../../ui/settings/FormDrawer';
import { useDelete } from '../../ui/settings/orders';
import { askTagged, ifMatch } from '../../ui/settings/tagged';
import { DEPARTMENTS, EMPLOYEES, useColleagues, useDepartments } from './directory';
import type { Branch, Department } from './tree';

type Edited =
  | { kind: 'none' }
  | { kind: 'below'; parent: Department }
  | { kind: 'named'; department: Department }
  | { kind: 'managed'; department: Department };

interface Filled {
  name: string;
  managers: string[];
}

const pathOf = ({ id }: Department) => ({ params: { path: { id } } });

/** The departments of the enterprise (ORG-01 to ORG-04); the chosen one narrows the list beside it. */
export function DepartmentTree({
  chosen,
  choose,
}: {
  chosen: string | undefined;
  choose: (id: string | undefined) => void;
}) {
  const { t } = useTranslation();
  const may = useMay();
  const erase = useDelete();
  const { query, tree } = useDepartments();
  const [edited, setEdited] = useState<Edited>({ kind: 'none' });
  const remove = (department: Department) =>
    erase({
      name: department.name,
      hint: t('people.departmentDeleteHint'),
      remove: async () => {
        await ask(api.DELETE('/api/v1/departments/{id}', pathOf(department)));
        if (chosen === department.id) choose(undefined);
      },
      lists: [DEPARTMENTS],
    });
  // All are unfolded, new ones too, but for those that were folded by hand.
  const [folded, setFolded] = useState<readonly string[]>([]);
  const keys = query.data?.rows.map(({ id }) => id) ?? [];
  const root = tree[0]?.department;
  return (
    <Card
      size="small"
      title={t('people.departments')}
      className="departments"
      extra={
        may('departments.write') &&
        root && (
          <Button
            type="text"
            size="small"
            icon={<PlusOutlined />}
            aria-label={t('people.addDepartment')}
            title={t('people.addDepartment')}
            onClick={() => setEdited({ kind: 'below', parent: root })}
          />
        )
      }
    >
      <Answered query={query}>
        {() => (
          <Tree<Branch>
            blockNode
            expandedKeys={keys.filter((key) => !folded.includes(key))}
            onExpand={(open) => setFolded(keys.filter((key) => !open.includes(key)))}
            treeData={tree}
            titleRender={({ department }) => <Title of={department} edit={setEdited} remove={remove} />}
            selectedKeys={chosen ? [chosen] : []}
            onSelect={([key]) => choose(key === undefined ? undefined : String(key))}
          />
        )}
      </Answered>
      <DepartmentForm edited={edited} close={() => setEdited({ kind: 'none' })} />
    </Card>
  );
}

/** A department in the tree, with what may be done with it. */
function Title({
  of: department,
  edit,
  remove,
}: {
  of: Department;
  edit: (edited: Edited) => void;
  remove: (department: Department) => void;
}) {
  const { t } = useTranslation();
  const may = useMay();
  const items = [
    { key: 'add', label: t('people.addBelow'), onClick: () => edit({ kind: 'below', parent: department }) },
    { key: 'edit', label: t('settings.edit'), onClick: () => edit({ kind: 'named', department }) },
    { key: 'managers', label: t('people.setManagers'), onClick: () => edit({ kind: 'managed', department }) },
    ...(department.parent
      ? [{ key: 'delete', label: t('settings.delete'), danger: true, onClick: () => remove(department) }]
      : []),
  ];
  return (
    <span className="branch">
      <span className="branch-name" title={department.name}>
        {department.name}
      </span>
      {may('departments.write') && (
        <Dropdown trigger={['click']} menu={{ items, onClick: ({ domEvent }) => domEvent.stopPropagation() }}>
          <Button
            type="text"
            size="small"
            icon={<MoreOutlined />}
            aria-label={t('people.departmentOrders', { name: department.name })}
            onClick={(event) => event.stopPropagation()}
          />
        </Dropdown>
      )}
    </span>
  );
}

function DepartmentForm({ edited, close }: { edited: Edited; close: () => void }) {
  const { t } = useTranslation();
  if (edited.kind === 'none') return null;
  if (edited.kind === 'below') {
    return (
      <FormDrawer<Filled>
        title={t('people.addDepartment')}
        lists={[DEPARTMENTS]}
        identity="name"
        close={close}
        fill={() => ({ managers: [] })}
        save={(values) => ask(api.POST('/api/v1/departments', { body: { ...values, parent: edited.parent.id } }))}
      >
        <Form.Item label={t('people.parent')}>
          <Input disabled value={edited.parent.name} />
        </Form.Item>
        <Name />
        <Managers />
      </FormDrawer>
    );
  }
  const isNamed = edited.kind === 'named';
  return (
    <FormDrawer<Partial<Filled>, Department>
      title={isNamed ? t('people.editDepartment') : t('people.managersOf', { name: edited.department.name })}
      lists={[DEPARTMENTS, EMPLOYEES]}
      identity="name"
      close={close}
      read={() => askTagged(api.GET('/api/v1/departments/{id}', pathOf(edited.department)))}
      fill={(department) => department ?? {}}
      save={(body, etag) =>
        ask(api.PATCH('/api/v1/departments/{id}', { ...pathOf(edited.department), ...ifMatch(etag), body }))
      }
    >
      {isNamed ? <Name /> : <Managers />}
    </FormDrawer>
  );
}

function Name() {
  const { t } = useTranslation();
  return (
    <Form.Item name="name" label={t('people.departmentName')} rules={[{ required: true, whitespace: true, max: 64 }]}>
      <Input autoFocus />
    </Form.Item>
  );
}

function Managers() {
  const { t } = useTranslation();
  const colleagues = useColleagues();
  return (
    <>
      <Form.Item name="managers" label={t('people.managers')}>
        <Select
          mode="multiple"
          allowClear
          optionFilterProp="label"
          options={colleagues.map(({ number, name }) => ({ value: number, label: `${name} (${number})` }))}
        />
      </Form.Item>
      <Alert showIcon type="info" title={t('people.managersHint')} />
    </>
  );
}
