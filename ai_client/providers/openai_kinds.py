"""What OpenAI's models can do, by their ids; within a purpose the newest come first.

https://developers.openai.com/api/docs/models. Of models that reason, GPT-5.1 to 5.4 do so only
where they are told to, and take a temperature else; the others refuse it.
"""

from ai_client.providers import (
    EMBEDDING_OPTIONS,
    PENALTIES,
    PROBABILITIES,
    REASONING,
    TALKS,
    Capability,
    FileType,
    MediaOrientation,
    Modality,
    ModelKind,
    Option,
    media_options,
    text_options,
)
from ai_client.providers.openai_operations import RESEARCHING, RESPONDING

_SEES = (Modality.IMAGE, Modality.DOCUMENT)
_NO_TOP_K = (Option.TOP_K,)
_AUDIO_TYPES = ("audio/mpeg", "audio/ogg", "audio/aac", "audio/flac", "audio/wav", "audio/pcm")
_WIDE = (MediaOrientation.LANDSCAPE, MediaOrientation.PORTRAIT)

MEDIA_KINDS = (
    ModelKind(
        ("gpt-image-*", "chatgpt-image-*"),
        (Capability.IMAGE_GENERATION,),
        media_options(
            Modality.IMAGE,
            Modality.IMAGE,
            mime_types=("image/png", "image/jpeg", "image/webp"),
            ratios=("1:1", "3:2", "2:3"),
            orientations=tuple(MediaOrientation),
        ),
    ),
    ModelKind(
        ("dall-e-3*",),
        (Capability.IMAGE_GENERATION,),
        media_options(
            Modality.IMAGE,
            mime_types=("image/png",),
            ratios=("1:1", "7:4", "4:7"),
            orientations=tuple(MediaOrientation),
            file_types=tuple(FileType),
            candidates=(1,),
        ),
    ),
    ModelKind(
        ("dall-e-2*",),
        (Capability.IMAGE_GENERATION,),
        media_options(
            Modality.IMAGE,
            mime_types=("image/png",),
            ratios=("1:1",),
            orientations=(MediaOrientation.SQUARE,),
            file_types=tuple(FileType),
        ),
    ),
    ModelKind(
        ("gpt-*-tts*",),
        (Capability.TEXT_TO_SPEECH_CONVERSION,),
        media_options(
            Modality.AUDIO,
            mime_types=_AUDIO_TYPES,
            candidates=(1,),
            others=(Option.OUTPUT_SPEECH_VOICE, Option.SYSTEM_INSTRUCTION),
        ),
    ),
    ModelKind(
        ("tts-1*",),
        (Capability.TEXT_TO_SPEECH_CONVERSION,),
        media_options(
            Modality.AUDIO,
            mime_types=_AUDIO_TYPES,
            candidates=(1,),
            others=(Option.OUTPUT_SPEECH_VOICE,),
        ),
    ),
    ModelKind(("text-embedding-*",), (Capability.EMBEDDING_GENERATION,), EMBEDDING_OPTIONS),
    ModelKind(
        ("sora-*",),
        (Capability.VIDEO_GENERATION,),
        media_options(
            Modality.VIDEO,
            Modality.IMAGE,
            mime_types=("video/mp4",),
            ratios=("16:9", "9:16"),
            orientations=_WIDE,
            candidates=(1,),
        ),
    ),
    ModelKind(
        ("gpt-audio*", "gpt-4o*-audio*"),
        (*TALKS, Capability.SPEECH_GENERATION),
        text_options(
            Modality.AUDIO,
            outputs=((Modality.TEXT,), (Modality.AUDIO,), (Modality.TEXT, Modality.AUDIO)),
            mime_types=("text/plain", *_AUDIO_TYPES),
            without=(*_NO_TOP_K, *PROBABILITIES, Option.OUTPUT_SCHEMA),
            others=(Option.OUTPUT_SPEECH_VOICE,),
        ),
    ),
)
"""Models for something else than text."""

KINDS = (
    *MEDIA_KINDS,
    # Not for prompts, or for those with a tool of the vendor's.
    ModelKind(
        (
            "*-realtime*",
            "*-live*",
            "*-transcribe*",
            "whisper-*",
            "*moderation*",
            *RESEARCHING,
            "computer-use-*",
            "babbage-*",
            "davinci-*",
            "*-instruct*",
        ),
        (),
    ),
    # These are asked by another API, and so chosen last (see model_catalog.ordered).
    ModelKind(
        RESPONDING,
        TALKS,
        text_options(*_SEES, without=(*_NO_TOP_K, *REASONING, Option.CANDIDATE_COUNT)),
    ),
    ModelKind(
        ("gpt-5.[5-9]*", "gpt-5.[1-9][0-9]*", "gpt-[6-9]*", "gpt-5.*-chat*"),
        TALKS,
        text_options(*_SEES, without=(*_NO_TOP_K, *REASONING)),
    ),
    ModelKind(
        ("gpt-5.[1-4]*",),
        TALKS,
        text_options(*_SEES, without=(*_NO_TOP_K, *PENALTIES, Option.STOP_SEQUENCES)),
    ),
    ModelKind(
        (
            "gpt-5-chat*",
            "gpt-4.1*",
            "gpt-4.5*",
            "gpt-4o",
            "gpt-4o-20*",
            "gpt-4o-mini",
            "gpt-4o-mini-20*",
            "ft:gpt-4.1*",
            "ft:gpt-4o*",
        ),
        TALKS,
        text_options(*_SEES, without=_NO_TOP_K),
    ),
    ModelKind(
        ("gpt-5", "gpt-5-20*", "gpt-5-mini*", "gpt-5-nano*"),
        TALKS,
        text_options(*_SEES, without=(*_NO_TOP_K, *REASONING)),
    ),
    ModelKind(
        ("o1-mini*", "o1-preview*", "o3-mini*"),
        TALKS,
        text_options(without=(*_NO_TOP_K, *REASONING)),
    ),
    ModelKind(("o1*", "o3*", "o4*"), TALKS, text_options(*_SEES, without=(*_NO_TOP_K, *REASONING))),
    ModelKind(
        ("chatgpt-*",),
        TALKS,
        text_options(
            Modality.IMAGE,
            without=(*_NO_TOP_K, Option.FUNCTION_DECLARATIONS, Option.OUTPUT_SCHEMA),
        ),
    ),
    ModelKind(
        ("gpt-4-turbo*",),
        TALKS,
        text_options(Modality.IMAGE, without=(*_NO_TOP_K, Option.OUTPUT_SCHEMA)),
    ),
    ModelKind(
        ("gpt-4", "gpt-4-[0-9]*", "gpt-4-32k*", "gpt-3.5-turbo*", "ft:gpt-3.5*", "ft:gpt-4-*"),
        TALKS,
        text_options(without=(*_NO_TOP_K, Option.OUTPUT_SCHEMA)),
    ),
    # These search for every answer, so they come last.
    ModelKind(
        ("*-search-preview*", "*-search-api*"),
        TALKS,
        text_options(
            without=(
                *_NO_TOP_K,
                *REASONING,
                Option.CANDIDATE_COUNT,
                Option.FUNCTION_DECLARATIONS,
            ),
            others=(Option.WEB_SEARCH,),
        ),
    ),
)
