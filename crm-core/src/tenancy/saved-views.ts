import {
  ProblemError,
  type Caller,
  type Row,
  type SavedViewCreate,
  type SavedViewUpdate,
  type WriteOptions,
} from '../../contracts/index.ts'
import type { CrmDeps } from '../deps.ts'

/** More than anybody finds again. */
const MAX_VIEWS = 200

/** Addresses that a person keeps under a name. Every one has its own; a link shares one. */
export function createSavedViews({ db }: CrmDeps) {
  async function list(caller: Caller): Promise<Row<'savedView'>[]> {
    return await db.as(caller).find('savedView', { orderBy: [['name', 'asc']], limit: MAX_VIEWS })
  }
  /** @throws ProblemError `conflict` where the person has one of this name, or too many */
  async function create(caller: Caller, input: SavedViewCreate): Promise<Row<'savedView'>> {
    if (caller.kind !== 'user') throw new ProblemError('forbidden', 'Views belong to people')
    return await db.as(caller).transaction(async (tx) => {
      if ((await tx.count('savedView')) >= MAX_VIEWS)
        throw new ProblemError('conflict', `There are ${MAX_VIEWS} views already; remove some first`)
      return await tx.create('savedView', { ...input, userId: caller.id })
    })
  }
  const update = (
    caller: Caller,
    id: string,
    changes: SavedViewUpdate,
    options?: WriteOptions,
  ): Promise<Row<'savedView'>> => db.as(caller).transaction((tx) => tx.update('savedView', id, changes, options))
  const remove = (caller: Caller, id: string, options?: WriteOptions): Promise<void> =>
    db.as(caller).transaction((tx) => tx.remove('savedView', id, options))

  return { list, create, update, remove }
}
