import type { Schemas } from '../../api/client';

export type Department = Schemas['DepartmentShown'];

/** A department with those below it, as antd's trees want them. */
export interface Branch {
  key: string;
  value: string;
  title: string;
  department: Department;
  children: Branch[];
}

/** The departments as a tree. One whose parent is not seen stands at the top. */
export function treeOf(departments: readonly Department[]): Branch[] {
  const branches = new Map(
    departments.map((department) => [
      department.id,
      { key: department.id, value: department.id, title: department.name, department, children: [] } as Branch,
    ]),
  );
  const roots: Branch[] = [];
  for (const branch of branches.values()) {
    const above = branch.department.parent ? branches.get(branch.department.parent) : undefined;
    (above?.children ?? roots).push(branch);
  }
  return roots;
}
