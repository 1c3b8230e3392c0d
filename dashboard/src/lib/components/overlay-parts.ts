/** What opens over a page. Named one by one and loaded apart: no page needs them to be seen. */
export { Combobox, Dialog, DropdownMenu, Popover } from 'bits-ui'
