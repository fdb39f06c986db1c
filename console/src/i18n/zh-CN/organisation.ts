/** The pages of the organisation and the system in the menu. */
export const organisationMenu = {} as const;
