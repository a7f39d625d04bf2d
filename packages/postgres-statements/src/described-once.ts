import { Query, type QueryArrayConfig, type QueryArrayResult, type Submittable } from "pg";

/** Is told what a statement came to. */
type Done = (failure: Error | null, result?: QueryArrayResult<unknown[][]>) => void;

/** What pg's query has beside what its types tell. */
interface NamedQuery extends Submittable {
  readonly name: string;
  callback: Done;
  readonly _result: Description;
  _accumulateRows: boolean;
  prepare(connection: object): void;
  handleRowDescription(message: object): void;
}

/** How the rows of a statement are read. */
interface Description {
  fields: unknown;
  _parsers: unknown;
}

// It is pg's own class, with more of what it has.
const PgQuery = Query as unknown as new (statement: QueryArrayConfig) => NamedQuery;

/** What is known of the statements that a connection has prepared. */
interface Prepared {
  readonly descriptions: Map<string, Description>;
  /** The connection, but for what asks the server to describe a statement. */
  readonly silent: object;
}

const prepared = new WeakMap<object, Prepared>();

function preparedOn(connection: object): Prepared {
  let known = prepared.get(connection);
  if (known === undefined) {
    const silent = Object.create(connection, { describe: { value: () => undefined } });
    known = { descriptions: new Map(), silent };
    prepared.set(connection, known);
  }
  return known;
}

/**
 * The execution of a statement that has a name. pg has the server describe the rows of each execution,
 * and looks up a reader for each column; but those of a statement that is prepared never change. So they
 * are described once on each connection.
 */
export class DescribedOnce extends PgQuery {
  #prepared: Prepared | undefined;

  constructor(statement: QueryArrayConfig, done: Done) {
    super(statement);
    this.callback = done;
  }

  override prepare(connection: object): void {
    this.#prepared = preparedOn(connection);
    const { descriptions, silent } = this.#prepared;
    const description = descriptions.get(this.name);
    if (description === undefined) {
      super.prepare(connection);
      return;
    }
    this._result.fields = description.fields;
    this._result._parsers = description._parsers;
    this._accumulateRows = true;
    super.prepare(silent);
  }

  override handleRowDescription(message: object): void {
    super.handleRowDescription(message);
    const { fields, _parsers } = this._result;
    this.#prepared?.descriptions.set(this.name, { fields, _parsers });
  }
}
