import { randomUUID } from "node:crypto";
import { defineEntity, type InferEntity, p } from "@mikro-orm/core";
import {
  createInsertion,
  createJoining,
  createOrm,
  createRowMapping,
  createSharing,
  type DatabaseSettings,
  InstantType,
  type Orm,
  query,
  withRetries,
} from "../../src/index.ts";

/** What the tests keep in databases. */
export const NoteEntity = defineEntity({
  name: "Note",
  tableName: "note",
  properties: {
    holderId: p.uuid().primary(),
    id: p.uuid().primary(),
    writtenAt: p.type(InstantType).$type<Temporal.Instant>(),
    text: p.text(),
  },
});

export type Note = InferEntity<typeof NoteEntity>;

export const schema = { applicationName: "notes", entities: [NoteEntity], migrations: [] };

const table = `create table note (
  holder_id uuid, id uuid, written_at timestamptz(6), text text constraint note_text_check check (text not like 'secret-%'),
  primary key (holder_id, id)
)`;

export function newNote(changes: Partial<Note> = {}): Note {
  const writtenAt = Temporal.Instant.from("2024-01-10T12:00:00.123456Z");
  return { holderId: randomUUID(), id: randomUUID(), writtenAt, text: "a note", ...changes };
}

/** Makes the table of notes in a database that nobody else uses. */
export async function withNotes<Database extends { readonly settings: DatabaseSettings }>(
  creation: Promise<Database>,
): Promise<Database> {
  const database = await creation;
  await using orm = await createOrm(database.settings, schema);
  await query(orm, table, []);
  return database;
}

const { signal } = new AbortController();

/** Keeps notes as a service keeps what it is asked to: those that come at once share a statement. */
export function createNotes(orm: Orm) {
  const mapping = createRowMapping(orm, NoteEntity);
  const sharing = createSharing(orm, mapping.table);
  const insertRows = createInsertion(orm, mapping, sharing, {
    name: "insert-notes",
    ending: "on conflict do nothing",
  });
  const insertJoined = createJoining<Note, void>(
    sharing.split(
      async (calls) => {
        try {
          const notes = calls.map(({ item }) => item);
          await insertRows(notes, calls);
          for (const { resolve } of calls) {
            resolve();
          }
        } catch (failure) {
          for (const { reject } of calls) {
            reject(failure);
          }
        }
      },
      ({ holderId }) => holderId,
    ),
    { statements: 3, callsPerStatement: 32, waiting: 2048, waitMs: 2000 },
  );
  return {
    async write(changes: Partial<Note> = {}): Promise<Note> {
      const note = newNote(changes);
      await withRetries(() => insertJoined(note, signal), signal);
      return note;
    },
    async all(): Promise<readonly Note[]> {
      const rows = await query(orm, `select ${mapping.selection} from ${mapping.table}`, []);
      return rows.map(mapping.toEntity);
    },
  };
}
