import { useId, useState, type SyntheticEvent } from "react";
import { QUALITY_CHOICES, qualityChoice, type QualityChoice } from "../core/capture/quality-choice.js";
import { idForName, LIMITS, type CaptureSettings } from "../core/capture/settings.js";
import { MAX_CAMERA_ID_LENGTH, MAX_NAME_LENGTH } from "../core/limits.js";
import { isCameraId } from "../core/protocol.js";
import { isHandheld } from "./handheld.js";
import { useCameras } from "./use-cameras.js";
import { useWords } from "./words.js";

/** The longer side in pixels, and the name that people see. */
const SIZES: readonly (readonly [number, string])[] = [
  [320, "320 × 240"],
  [640, "640 × 480"],
  [800, "800 × 600"],
  [1280, "1280 × 720 (HD)"],
  [1920, "1920 × 1080 (Full HD)"],
  [3840, "3840 × 2160 (4K)"],
];

const CHOICES: readonly QualityChoice[] = ["saver", "balanced", "sharp"];

export interface CaptureSettingsFormProps {
  readonly settings: CaptureSettings;
  /** Changes when a camera is opened: only then does the browser reveal the names of the cameras. */
  readonly cameraLabel: string;
  readonly onChange: (change: Partial<CaptureSettings>) => void;
  /** Whether a new name may change the id too. Not while the camera is live: its viewers have the old id. */
  readonly canRename?: boolean;
  /** Unfolds the settings that few people need. */
  readonly isUnfolded?: boolean;
}

/** All settings of a camera. A change takes effect immediately, also while the camera sends. */
export function CaptureSettingsForm(props: CaptureSettingsFormProps) {
  const { settings, cameraLabel, onChange, canRename = false, isUnfolded = false } = props;
  const words = useWords();
  const id = useId();
  const [open, setOpen] = useState(isUnfolded);
  const cameras = useCameras(cameraLabel);
  const facing = `facing:${settings.facing}`;
  // Phones and tablets have a front and a rear camera; the cameras of a computer have names.
  const hasSides = isHandheld();
  const known = cameras.some((camera) => camera.deviceId === settings.deviceId);
  const sizes = SIZES.some(([width]) => width === settings.width)
    ? SIZES
    : ([...SIZES, [settings.width, words.form.wide(settings.width)]] as const);

  const quality = qualityChoice(settings);
  return (
    <form className="sky-form" onSubmit={(event) => event.preventDefault()}>
      <TextField
        label={words.form.name}
        hint={words.form.nameHint}
        value={settings.name}
        maxLength={MAX_NAME_LENGTH}
        onCommit={(name) => {
          const cameraId = canRename ? idForName(settings, name) : null;
          onChange(cameraId === null ? { name } : { name, cameraId });
        }}
      />
      <div className="sky-field">
        <label htmlFor={`${id}-camera`}>{words.form.camera}</label>
        <select
          id={`${id}-camera`}
          value={known ? settings.deviceId : facing}
          onChange={({ target: { value } }) => {
            if (value === "facing:user" || value === "facing:environment") {
              onChange({ deviceId: "", facing: value === "facing:user" ? "user" : "environment" });
            } else onChange({ deviceId: value });
          }}
        >
          {hasSides || settings.facing === "user" ? (
            <>
              <option value="facing:environment">{words.form.rear}</option>
              <option value="facing:user">{words.form.front}</option>
            </>
          ) : (
            <option value="facing:environment">{words.form.default}</option>
          )}
          {cameras.map((camera) => (
            <option key={camera.deviceId} value={camera.deviceId}>
              {camera.label}
            </option>
          ))}
        </select>
      </div>
      <fieldset className="sky-choice">
        <legend>{words.form.quality}</legend>
        {CHOICES.map((choice) => (
          <label key={choice} title={words.form.choices[choice][1]}>
            <input
              type="radio"
              name={`${id}-quality`}
              checked={quality === choice}
              onChange={() => onChange(QUALITY_CHOICES[choice])}
            />
            <span>{words.form.choices[choice][0]}</span>
          </label>
        ))}
        <p className="sky-hint">{words.form.chosen(settings.width, settings.fps, quality === null)}</p>
      </fieldset>
      <details className="sky-fold" open={open} onToggle={(event) => setOpen(event.currentTarget.open)}>
        <summary>{words.form.advanced}</summary>
        <div className="sky-form">
          <TextField
            label={words.form.id}
            hint={words.form.idHint}
            value={settings.cameraId}
            maxLength={MAX_CAMERA_ID_LENGTH}
            problem={(value) => (isCameraId(value) ? null : words.form.idProblem)}
            onCommit={(cameraId) => onChange({ cameraId })}
          />
          <div className="sky-field">
            <label htmlFor={`${id}-size`}>{words.form.resolution}</label>
            <select
              id={`${id}-size`}
              value={settings.width}
              onChange={({ target }) => onChange({ width: Number(target.value) })}
            >
              {sizes.map(([width, text]) => (
                <option key={width} value={width}>
                  {text}
                </option>
              ))}
            </select>
          </div>
          <SliderField
            label={words.form.frameRate}
            value={settings.fps}
            text={`${settings.fps} fps`}
            limits={LIMITS.fps}
            step={1}
            onChange={(fps) => onChange({ fps })}
          />
          <SliderField
            label={words.form.jpegQuality}
            value={settings.quality}
            text={words.format.decimal(settings.quality, 2)}
            limits={LIMITS.quality}
            step={0.05}
            onChange={(value) => onChange({ quality: value })}
          />
          <SwitchField
            label={words.form.demand}
            hint={words.form.demandHint}
            value={settings.demand}
            onChange={(demand) => onChange({ demand })}
          />
          <SwitchField
            label={words.form.adapt}
            hint={words.form.adaptHint}
            value={settings.adapt}
            onChange={(adapt) => onChange({ adapt })}
          />
          <SwitchField
            label={words.form.skipStill}
            hint={words.form.skipStillHint}
            value={settings.skipStill}
            onChange={(skipStill) => onChange({ skipStill })}
          />
        </div>
      </details>
    </form>
  );
}

interface TextFieldProps {
  readonly label: string;
  readonly hint: string;
  readonly value: string;
  readonly maxLength: number;
  readonly problem?: (value: string) => string | null;
  readonly onCommit: (value: string) => void;
}

/**
 * A text field whose value takes effect when the person leaves the field. Otherwise each typed letter of an id would
 * register another camera.
 */
function TextField({ label, hint, value, maxLength, problem, onCommit }: TextFieldProps) {
  const id = useId();
  const [draft, setDraft] = useState<string | null>(null);
  const shown = draft ?? value;
  const trouble = problem?.(shown.trim()) ?? null;
  const commit = (event: SyntheticEvent): void => {
    event.preventDefault();
    if (draft === null || trouble !== null) return;
    setDraft(null);
    if (draft.trim() !== value) onCommit(draft.trim());
  };
  return (
    <div className="sky-field">
      <label htmlFor={id}>{label}</label>
      <input
        id={id}
        type="text"
        value={shown}
        maxLength={maxLength}
        autoComplete="off"
        autoCapitalize="none"
        spellCheck={false}
        aria-describedby={`${id}-hint`}
        aria-invalid={trouble !== null}
        onChange={({ target }) => setDraft(target.value)}
        onBlur={commit}
        onKeyDown={(event) => {
          if (event.key === "Enter") commit(event);
        }}
      />
      <p id={`${id}-hint`} className={trouble === null ? "sky-hint" : "sky-hint sky-hint--bad"}>
        {trouble ?? hint}
      </p>
    </div>
  );
}

interface SliderFieldProps {
  readonly label: string;
  readonly value: number;
  readonly text: string;
  readonly limits: readonly [number, number];
  readonly step: number;
  readonly onChange: (value: number) => void;
}

function SliderField({ label, value, text, limits: [low, high], step, onChange }: SliderFieldProps) {
  const id = useId();
  return (
    <div className="sky-field">
      <label htmlFor={id}>
        {label} <output htmlFor={id}>{text}</output>
      </label>
      <input
        id={id}
        type="range"
        min={low}
        max={high}
        step={step}
        value={value}
        aria-valuetext={text}
        onChange={({ target }) => onChange(Number(target.value))}
      />
    </div>
  );
}

interface SwitchFieldProps {
  readonly label: string;
  readonly hint: string;
  readonly value: boolean;
  readonly onChange: (value: boolean) => void;
}

function SwitchField({ label, hint, value, onChange }: SwitchFieldProps) {
  const id = useId();
  return (
    <div className="sky-field sky-field--switch">
      <input
        id={id}
        type="checkbox"
        checked={value}
        aria-describedby={`${id}-hint`}
        onChange={({ target }) => onChange(target.checked)}
      />
      <label htmlFor={id}>{label}</label>
      <p id={`${id}-hint`} className="sky-hint">
        {hint}
      </p>
    </div>
  );
}
