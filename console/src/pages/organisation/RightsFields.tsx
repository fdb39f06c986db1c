import { useQuery } from '@tanstack/react-query';
import { Checkbox, Input, Radio, Select, Space, Table, Tree, TreeSelect } from 'antd';
import { useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, ask, type Schemas } from '../../api/client';
import { useSession } from '../../app/session';
import { fieldWords, permissionWords } from '../../i18n/permissions';
import { Answered } from '../../ui/States';
import { useDepartments } from './directory';
import { EVERYTHING, has, permissionTree } from './permissions';

/** What roles and tokens are made of. */
export function usePermissions() {
  return useQuery({ queryKey: ['permissions'], queryFn: () => ask(api.GET('/api/v1/permissions')) });
}

interface Field<T> {
  value?: T;
  onChange?: (value: T) => void;
  disabled?: boolean;
}

/** Function permissions (ORG-31) as a tree to tick; those that one lacks oneself cannot be ticked. */
export function PermissionField({ value = [], onChange, disabled = false }: Field<string[]>) {
  const { t, i18n } = useTranslation();
  const session = useSession();
  const query = usePermissions();
  const [sought, setSought] = useState('');
  const isAll = value.includes(EVERYTHING);
  const wanted = sought.trim().toLocaleLowerCase();
  // biome-ignore lint/correctness/useExhaustiveDependencies: the words are those of the language
  const tree = useMemo(() => {
    const keys = (query.data?.permissions ?? []).map(({ key, words }) => ({ key, title: permissionWords(key, words) }));
    const found = keys.filter(({ key, title }) => `${key} ${title}`.toLocaleLowerCase().includes(wanted));
    return permissionTree(
      found,
      (area) => t(`roles.areas.${area}`),
      (key) => has(session, key),
    );
  }, [query.data, wanted, session, t, i18n.language]);
  const shown = new Set(tree.flatMap(({ children }) => children?.map(({ key }) => String(key)) ?? []));
  const tick = (ticked: string[]) =>
    onChange?.([...value.filter((key) => !shown.has(key)), ...ticked.filter((key) => shown.has(key))]);
  return (
    <Answered query={query}>
      {() => (
        <Space orientation="vertical" style={{ width: '100%' }}>
          <Checkbox
            checked={isAll}
            disabled={disabled || !has(session, EVERYTHING)}
            onChange={({ target }) => onChange?.(target.checked ? [EVERYTHING] : [])}
          >
            {t('roles.everything')}
          </Checkbox>
          {!isAll && (
            <>
              <Input
                allowClear
                value={sought}
                placeholder={t('roles.seek')}
                aria-label={t('roles.seek')}
                onChange={({ target }) => setSought(target.value)}
              />
              <div className="ticked-tree">
                <Tree
                  checkable
                  selectable={false}
                  disabled={disabled}
                  defaultExpandedKeys={[]}
                  {...(wanted ? { expandedKeys: tree.map(({ key }) => key) } : {})}
                  treeData={tree}
                  checkedKeys={value.filter((key) => shown.has(key))}
                  onCheck={(keys) => tick((Array.isArray(keys) ? keys : keys.checked).map(String))}
                />
              </div>
            </>
          )}
        </Space>
      )}
    </Answered>
  );
}

type Right = Schemas['FieldRight'];
const RIGHTS: readonly Right[] = ['write', 'read', 'masked', 'hidden'];

/** Rights on fields (ORG-32); what is not named is read and written. */
export function FieldRights({ value = {}, onChange, disabled = false }: Field<Record<string, Right>>) {
  const { t } = useTranslation();
  const query = usePermissions();
  const set = (name: string, right: Right) => {
    const { [name]: _, ...others } = value;
    onChange?.(right === 'write' ? others : { ...others, [name]: right });
  };
  return (
    <Answered query={query}>
      {({ fields }) => (
        <Table
          size="small"
          rowKey="name"
          pagination={false}
          dataSource={fields}
          scroll={{ y: 280 }}
          columns={[
            { title: t('roles.field'), render: (_, { name }) => fieldWords(name) },
            {
              title: t('roles.right'),
              width: 180,
              render: (_, { name, phone }) => (
                <Select<Right>
                  size="small"
                  style={{ width: '100%' }}
                  disabled={disabled}
                  value={value[name] ?? 'write'}
                  aria-label={fieldWords(name)}
                  onChange={(right) => set(name, right)}
                  options={RIGHTS.filter((right) => phone || right !== 'masked').map((right) => ({
                    value: right,
                    label: t(`roles.rights.${right}`),
                  }))}
                />
              ),
            },
          ]}
        />
      )}
    </Answered>
  );
}

type Data = Schemas['DataPermission'];

/** Data permission (ORG-33): all, or one's own department and others. A program has no own one. */
export function DataField({
  value = { scope: 'departments', own: true },
  onChange,
  disabled = false,
  hasOwn = true,
}: Field<Data> & { hasOwn?: boolean }) {
  const { t } = useTranslation();
  const session = useSession();
  const { tree } = useDepartments();
  const some = value.scope === 'departments' ? value : { scope: 'departments' as const, own: hasOwn, departments: [] };
  return (
    <Space orientation="vertical" style={{ width: '100%' }}>
      <Radio.Group
        value={value.scope}
        disabled={disabled}
        onChange={({ target }) => onChange?.(target.value === 'all' ? { scope: 'all' } : some)}
        options={[
          { value: 'all', label: t('roles.dataAll'), disabled: session.data.scope !== 'all' },
          { value: 'departments', label: hasOwn ? t('roles.dataSome') : t('roles.dataNamed') },
        ]}
      />
      {value.scope === 'departments' && (
        <>
          {hasOwn && (
            <Checkbox
              checked={some.own ?? false}
              disabled={disabled}
              onChange={({ target }) => onChange?.({ ...some, own: target.checked })}
            >
              {t('roles.dataOwn')}
            </Checkbox>
          )}
          <TreeSelect
            multiple
            allowClear
            treeDefaultExpandAll
            style={{ width: '100%' }}
            disabled={disabled}
            placeholder={t('roles.dataOthers')}
            aria-label={t('roles.dataOthers')}
            treeNodeFilterProp="title"
            treeData={tree}
            value={some.departments ?? []}
            onChange={(departments: string[]) => onChange?.({ ...some, departments })}
          />
        </>
      )}
    </Space>
  );
}
