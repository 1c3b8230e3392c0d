/** Who works at the demo's first company, and what its customers wrote. Tickets of faults are not among them: alarms open those. */
import type { createCrm } from '@heliograph/crm-core'
import type { Caller, TicketCreate, TicketStatus } from '@heliograph/crm-core/contracts'

type Crm = ReturnType<typeof createCrm>

export async function seedPeople(crm: Crm, caller: Caller, customerId: string, password: string): Promise<void> {
  const people = [
    { email: 'support@demo.test', name: 'Sam Support', role: 'support', phone: '+4915550100001' },
    { email: 'sales@demo.test', name: 'Sasha Sales', role: 'sales' },
    { email: 'analyst@demo.test', name: 'Ana Analyst', role: 'analyst' },
    { email: 'customer@demo.test', name: 'Kim Huber', role: 'customer', customerIds: [customerId] },
  ]
  for (const { role, ...person } of people) {
    const user = await crm.users.create(caller, { ...person, password, roles: [{ role }] })
    if (role === 'support')
      await crm.subscriptions.create(caller, { userId: user.id, minSeverity: 'critical', channels: ['mail', 'sms'] })
  }
}

interface ServiceTicket extends Pick<TicketCreate, 'subject' | 'description' | 'priority'> {
  site: string
  status?: TicketStatus
  comments: readonly { text: string; isPublic: boolean }[]
}
const TICKETS: readonly ServiceTicket[] = [
  {
    site: 'Huber, Marzling',
    subject: 'Can a second battery be added?',
    description:
      'We have an electric car now and would like to charge it in the evening with our own power. Is there room for more?',
    priority: 'low',
    status: 'pending',
    comments: [{ text: 'Yes, there is. Our colleague from sales will call you this week.', isPublic: true }],
  },
  {
    site: 'Kita Elbkiesel',
    subject: 'Yearly inspection before the holidays',
    description: 'Please come when the children are out: from 15:30 on, or on a Saturday.',
    priority: 'normal',
    status: 'scheduled',
    comments: [
      { text: 'Saturday is fine, two people, half a day.', isPublic: true },
      { text: 'The key to the roof hatch is with the caretaker.', isPublic: false },
    ],
  },
  {
    site: 'Quinta do Sol',
    subject: 'New meter cupboard: who may open it?',
    description: 'The grid operator wants to seal the cupboard. Whose number shall we give them?',
    priority: 'normal',
    status: 'open',
    comments: [],
  },
  {
    site: 'Harbour Cold Store',
    subject: 'Monthly figures for our energy report',
    description: 'Could we get production and own use as a CSV every month?',
    priority: 'low',
    comments: [],
  },
]

/** What people write about besides faults. @param siteIds by name */
export async function seedTickets(crm: Crm, caller: Caller, siteIds: ReadonlyMap<string, string>): Promise<void> {
  for (const { site, status, comments, ...fields } of TICKETS) {
    const ticket = await crm.tickets.create(caller, { ...fields, siteId: siteIds.get(site)! })
    for (const comment of comments) await crm.tickets.comment(caller, ticket.id, comment)
    if (status) await crm.tickets.update(caller, ticket.id, { status })
  }
}
