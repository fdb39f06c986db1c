import { useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { api, ask, type Schemas } from '../../api/client';
import { useMay } from '../../app/session';
import { readAll } from '../../ui/settings/SettingsList';
import { treeOf } from './tree';

export type Employee = Schemas['EmployeeShown'];
export type Role = Schemas['RoleShown'];

export const DEPARTMENTS = ['departments'] as const;
export const EMPLOYEES = ['employees'] as const;
export const ROLES = ['roles'] as const;

/** All departments, of whoever may see them. */
export function useDepartments() {
  const may = useMay();
  const query = useQuery({
    queryKey: DEPARTMENTS,
    queryFn: () => readAll((page) => ask(api.GET('/api/v1/departments', { params: { query: page } }))),
    enabled: may('departments.read'),
  });
  const departments = query.data?.rows;
  const tree = useMemo(() => treeOf(departments ?? []), [departments]);
  const names = useMemo(() => new Map(departments?.map(({ id, name }) => [id, name])), [departments]);
  return { query, tree, names };
}

/** All roles, of whoever may see them. */
export function useRoles() {
  const may = useMay();
  const query = useQuery({
    queryKey: ROLES,
    queryFn: () => readAll((page) => ask(api.GET('/api/v1/roles', { params: { query: page } }))),
    enabled: may('roles.read'),
  });
  const roles = query.data?.rows;
  const names = useMemo(() => new Map(roles?.map(({ id, name }) => [id, name])), [roles]);
  const options = useMemo(() => roles?.map(({ id, name }) => ({ value: id, label: name })) ?? [], [roles]);
  return { roles, names, options };
}

/** Everybody in service, to choose from. */
export function useColleagues() {
  const may = useMay();
  const { data } = useQuery({
    queryKey: [...EMPLOYEES, 'in service'],
    queryFn: () =>
      readAll((page) =>
        ask(api.GET('/api/v1/employees', { params: { query: { ...page, status: 'in_service' as const } } })),
      ),
    enabled: may('employees.read'),
  });
  return data?.rows ?? [];
}
