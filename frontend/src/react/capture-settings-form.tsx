import { useEffect, useId, useState, type SyntheticEvent } from "react";
import { listCameras, watchCameras, type CameraChoice } from "../core/capture/camera.js";
import { LIMITS, type CaptureSettings } from "../core/capture/settings.js";
import { MAX_CAMERA_ID_LENGTH, MAX_NAME_LENGTH } from "../core/limits.js";
import { isCameraId } from "../core/protocol.js";

/** The longer side in pixels, and what people call it. */
const SIZES: readonly (readonly [number, string])[] = [
  [320, "320 × 240"],
  [640, "640 × 480"],
  [800, "800 × 600"],
  [1280, "1280 × 720 (HD)"],
  [1920, "1920 × 1080 (Full HD)"],
  [3840, "3840 × 2160 (4K)"],
];

export interface CaptureSettingsFormProps {
  readonly settings: CaptureSettings;
  /** Changes when a camera was opened: only then do cameras tell their names. */
  readonly cameraLabel: string;
  readonly onChange: (change: Partial<CaptureSettings>) => void;
}

/** Everything about a camera that can be set; takes effect at once, also on the air. */
export function CaptureSettingsForm({ settings, cameraLabel, onChange }: CaptureSettingsFormProps) {
  const id = useId();
  const cameras = useCameras(cameraLabel);
  const facing = `facing:${settings.facing}`;
  // Phones and tablets have a front and a rear; what has a mouse has cameras with names.
  const hasSides = matchMedia("(pointer: coarse)").matches;
  const known = cameras.some((camera) => camera.deviceId === settings.deviceId);
  const sizes = SIZES.some(([width]) => width === settings.width)
    ? SIZES
    : ([...SIZES, [settings.width, `${settings.width} wide`]] as const);

  return (
    <form className="sky-form" onSubmit={(event) => event.preventDefault()}>
      <TextField
        label="Camera id"
        hint="1–64 letters, digits, dots, dashes or underscores. Viewers ask for the camera by it."
        value={settings.cameraId}
        maxLength={MAX_CAMERA_ID_LENGTH}
        problem={(value) =>
          isCameraId(value) ? null : "Use 1–64 letters, digits, dots, dashes or underscores."
        }
        onCommit={(cameraId) => onChange({ cameraId })}
      />
      <TextField
        label="Label"
        hint="What people read beside the picture, for example “Front door”."
        value={settings.name}
        maxLength={MAX_NAME_LENGTH}
        onCommit={(name) => onChange({ name })}
      />
      <div className="sky-field">
        <label htmlFor={`${id}-camera`}>Camera</label>
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
              <option value="facing:environment">Rear camera</option>
              <option value="facing:user">Front camera</option>
            </>
          ) : (
            <option value="facing:environment">Default camera</option>
          )}
          {cameras.map((camera) => (
            <option key={camera.deviceId} value={camera.deviceId}>
              {camera.label}
            </option>
          ))}
        </select>
      </div>
      <div className="sky-field">
        <label htmlFor={`${id}-size`}>Resolution</label>
        <select
          id={`${id}-size`}
          value={settings.width}
          onChange={({ target }) => onChange({ width: Number(target.value) })}
        >
          {sizes.map(([width, words]) => (
            <option key={width} value={width}>
              {words}
            </option>
          ))}
        </select>
      </div>
      <SliderField
        label="Frame rate"
        value={settings.fps}
        words={`${settings.fps} fps`}
        limits={LIMITS.fps}
        step={1}
        onChange={(fps) => onChange({ fps })}
      />
      <SliderField
        label="JPEG quality"
        value={settings.quality}
        words={settings.quality.toFixed(2)}
        limits={LIMITS.quality}
        step={0.05}
        onChange={(quality) => onChange({ quality })}
      />
      <SwitchField
        label="Send only what is needed"
        hint="Fewer or smaller pictures while nobody needs more."
        value={settings.demand}
        onChange={(demand) => onChange({ demand })}
      />
      <SwitchField
        label="Adapt to the uplink"
        hint="On a narrow connection, lower the quality rather than leave pictures out."
        value={settings.adapt}
        onChange={(adapt) => onChange({ adapt })}
      />
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

/** Text that takes effect when the person is done with it: each letter of an id would be a camera of its own. */
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
  readonly words: string;
  readonly limits: readonly [number, number];
  readonly step: number;
  readonly onChange: (value: number) => void;
}

function SliderField({ label, value, words, limits: [low, high], step, onChange }: SliderFieldProps) {
  const id = useId();
  return (
    <div className="sky-field">
      <label htmlFor={id}>
        {label} <output htmlFor={id}>{words}</output>
      </label>
      <input
        id={id}
        type="range"
        min={low}
        max={high}
        step={step}
        value={value}
        aria-valuetext={words}
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

function useCameras(cameraLabel: string): readonly CameraChoice[] {
  const [cameras, setCameras] = useState<readonly CameraChoice[]>([]);
  useEffect(() => {
    let current = true;
    const read = (): void => {
      listCameras().then(
        (found) => {
          if (current) setCameras(found);
        },
        () => undefined,
      );
    };
    read();
    const unwatch = watchCameras(read);
    return () => {
      current = false;
      unwatch();
    };
  }, [cameraLabel]);
  return cameras;
}
