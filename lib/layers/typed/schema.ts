/**
 * Validators that follow the Standard Schema specification, as those of Zod, Valibot and ArkType
 * do. Its interface is written out here, as it asks for, so that nothing need be installed.
 */

/** A validator; see https://standardschema.dev. */
export interface StandardSchema<Input = unknown, Output = Input> {
  /** Where the specification has it. */
  readonly '~standard': {
    /** Of the specification. */
    readonly version: 1
    /** Whose validator it is. */
    readonly vendor: string
    /** Checks a value. */
    readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>
    /** For the compiler only: what it takes and what it gives. */
    readonly types?: SchemaTypes<Input, Output> | undefined
  }
}

/** The types of a validator. */
export interface SchemaTypes<Input, Output> {
  /** What it takes. */
  readonly input: Input
  /** What it gives. */
  readonly output: Output
}

/** What a validator says of a value. */
export type SchemaResult<Output> = SchemaSuccess<Output> | SchemaFailure

/** The value is as it should be. */
export interface SchemaSuccess<Output> {
  /** What the validator makes of it. */
  readonly value: Output
  /** Nothing is wrong. */
  readonly issues?: undefined
}

/** The value is not as it should be. */
export interface SchemaFailure {
  /** What is wrong with it. */
  readonly issues: readonly SchemaIssue[]
}

/** What is wrong with a value. */
export interface SchemaIssue {
  /** In words. */
  readonly message: string
  /** Where in the value. */
  readonly path?: readonly (PropertyKey | SchemaPathSegment)[] | undefined
}

/** A step of the way into a value. */
export interface SchemaPathSegment {
  /** Of a property, or the place in an array. */
  readonly key: PropertyKey
}

/** What a schema takes. */
export type SchemaInput<S extends StandardSchema> = NonNullable<S['~standard']['types']>['input']

/** What a schema gives. */
export type SchemaOutput<S extends StandardSchema> = NonNullable<S['~standard']['types']>['output']

/** The `cause` of errors about a value that its schema does not allow. */
export class SchemaError extends Error {
  /** That of the class. */
  override readonly name = 'SchemaError'

  /** @param issues - what is wrong, as the validator says */
  constructor(readonly issues: readonly SchemaIssue[]) {
    super(issues.map(described).join('; '))
  }
}

/**
 * Checks a value.
 *
 * @returns what the schema makes of it
 * @throws SchemaError for what it does not allow
 */
export async function validate(schema: StandardSchema, value: unknown): Promise<unknown> {
  const result = await schema['~standard'].validate(value)
  if (result.issues !== undefined) throw new SchemaError(result.issues)
  return result.value
}

/** Refuses what is no validator. Some are functions. */
export function checkSchema(schema: unknown): void {
  const standard = (schema as Partial<StandardSchema> | null | undefined)?.['~standard']
  if (typeof standard?.validate === 'function') return
  throw new TypeError('schema must be a validator that follows Standard Schema v1')
}

function described({ message, path = [] }: SchemaIssue): string {
  const names = path.map((part) => String(typeof part === 'object' ? part.key : part))
  return names.length === 0 ? message : `${names.join('.')}: ${message}`
}
