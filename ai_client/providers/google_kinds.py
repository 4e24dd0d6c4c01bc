"""What Google's models can do, by their ids; within a purpose the newest come first.

https://ai.google.dev/gemini-api/docs/models. Since Gemini 2.5 penalties and log probabilities are
refused, whatever the reference of generateContent says.
"""

from ai_client.providers import (
    EMBEDDING_OPTIONS,
    PENALTIES,
    PROBABILITIES,
    TALKS,
    Capability,
    FileType,
    MediaOrientation,
    Modality,
    ModelKind,
    Option,
    SupportedOption,
    media_options,
    text_options,
)

_ALL = (Modality.IMAGE, Modality.DOCUMENT, Modality.AUDIO, Modality.VIDEO)
_REFUSED = (*PENALTIES, *PROBABILITIES)
_SEARCHES = (Option.WEB_SEARCH,)
_RATIOS = ("1:1", "2:3", "3:2", "3:4", "4:3", "4:5", "5:4", "9:16", "16:9", "21:9")
_CURRENT = text_options(*_ALL, without=_REFUSED, others=_SEARCHES)

KINDS = (
    # The Live API, agents and music are not behind the methods that are spoken here.
    ModelKind(
        ("*-live*", "*native-audio*", "*computer-use*", "deep-research*", "lyria-*", "aqa"), ()
    ),
    ModelKind(
        ("gemini-*-tts*",),
        (Capability.TEXT_TO_SPEECH_CONVERSION, Capability.SPEECH_GENERATION),
        media_options(
            Modality.AUDIO,
            mime_types=("audio/wav", "audio/x-wav", "audio/wave"),
            candidates=(1,),
            others=(Option.OUTPUT_SPEECH_VOICE, Option.TEMPERATURE, Option.TOP_P, Option.TOP_K),
        ),
    ),
    ModelKind(
        ("gemini-*-image*", "gemini-nano-banana*"),
        (*TALKS, Capability.IMAGE_GENERATION),
        (
            *text_options(
                Modality.IMAGE,
                outputs=((Modality.IMAGE,), (Modality.TEXT, Modality.IMAGE), (Modality.TEXT,)),
                # The format of a picture is Google's choice.
                mime_types=("text/plain",),
                candidates=(1,),
                without=(*_REFUSED, Option.FUNCTION_DECLARATIONS, Option.OUTPUT_SCHEMA),
                others=(Option.OUTPUT_MEDIA_ORIENTATION,),
            ),
            SupportedOption(Option.OUTPUT_FILE_TYPE, (FileType.INLINE,)),
            SupportedOption(Option.OUTPUT_MEDIA_ASPECT_RATIO, _RATIOS),
        ),
    ),
    ModelKind(
        ("imagen-*",),
        (Capability.IMAGE_GENERATION,),
        media_options(
            Modality.IMAGE,
            mime_types=("image/png", "image/jpeg"),
            ratios=("1:1", "3:4", "4:3", "9:16", "16:9"),
            orientations=tuple(MediaOrientation),
            candidates=(1, 2, 3, 4),
        ),
    ),
    ModelKind(
        ("veo-*",),
        (Capability.VIDEO_GENERATION,),
        media_options(
            Modality.VIDEO,
            Modality.IMAGE,
            Modality.VIDEO,
            mime_types=("video/mp4",),
            ratios=("16:9", "9:16"),
            orientations=(MediaOrientation.LANDSCAPE, MediaOrientation.PORTRAIT),
            candidates=(1,),
        ),
    ),
    ModelKind(
        ("gemini-embedding-*", "text-embedding-*", "embedding-*"),
        (Capability.EMBEDDING_GENERATION,),
        EMBEDDING_OPTIONS,
    ),
    ModelKind(("gemini-[3-9]*", "gemini-flash-*", "gemini-pro-*"), TALKS, _CURRENT),
    ModelKind(("gemini-2.[1-9]*",), TALKS, _CURRENT),
    ModelKind(("gemini-2.0*",), TALKS, text_options(*_ALL, others=_SEARCHES)),
    ModelKind(("gemini-1*",), TALKS, text_options(*_ALL)),
    ModelKind(("gemini-*",), TALKS, _CURRENT, guessed=True),
    ModelKind(("gemma-[4-9]*",), TALKS, text_options(Modality.IMAGE, without=_REFUSED)),
    ModelKind(
        ("gemma-*",),
        TALKS,
        text_options(
            Modality.IMAGE,
            without=(
                *_REFUSED,
                Option.SYSTEM_INSTRUCTION,
                Option.FUNCTION_DECLARATIONS,
                Option.OUTPUT_SCHEMA,
            ),
            mime_types=("text/plain",),
        ),
    ),
)
